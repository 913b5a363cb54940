/**
 * Resolutions between clones: one ref that is fetched, merged and pushed like a branch, without a checkout.
 *
 * Two histories that went apart are united: what either side holds is in the merge. Nothing of the other side is taken over
 * unseen: what is no resolution, by form, by size or by number, stays behind and is told as an issue.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Git } from "../Git.ts"
import { type ObjectId, parseRef, parseRemote, type RefName } from "../GitName.ts"
import { type PushOutcome, pushRef } from "../Push.ts"
import { fetchRefspec, listRemoteRefs } from "../Remote.ts"
import { type Repository, readRef } from "../Repository.ts"
import type { ResolutionAuthor, ResolutionIssue, StoredResolution } from "./Resolution.ts"
import { resolutionKeyOf } from "./Resolution.ts"
import { changeResolutions, mergeChecks, readResolutions } from "./ResolutionStore.ts"
import { idsPerKeyMax, resolutionsRef, type TreeChange, writeResolution } from "./ResolutionTree.ts"

/** How often a push begins again with a pull because the remote's ref had moved. */
const pushTriesMax = 5

/** Who merges when nobody is named. */
const mergeAuthor: ResolutionAuthor = { name: "patchmoi", email: "patchmoi@localhost" }

/** What came over from the other side. */
export interface MergedResolutions {
  /** Resolutions that are new here. */
  readonly added: ReadonlyArray<StoredResolution>
  /** What the other side holds and is not taken over. */
  readonly issues: ReadonlyArray<ResolutionIssue>
}

/**
 * Takes over what the other commit holds. A resolution that both sides have keeps the checks of both.
 *
 * Errors: `ResolutionRefused` (the ref would hold too much), `StaleRef`, `QuarantineError`, `GitError`; nothing was changed.
 */
export const mergeResolutions = Effect.fn("ResolutionSharing.merge")(function* (options: {
  readonly repository: Repository
  readonly from: ObjectId
}) {
  const { repository, from } = options
  const theirs = yield* readResolutions({ repository, commit: from })
  const now = yield* Clock.currentTimeMillis
  return yield* changeResolutions({
    repository,
    plan: (quarantine, tip) =>
      Effect.gen(function* () {
        const planned = { author: mergeAuthor, date: Math.floor(now / 1_000), message: "Merge resolutions" }
        const isHere = tip !== null && (yield* isAncestor(repository, from, tip))
        if (isHere) return { ...planned, changes: [], result: nothingNew }
        const known = tip === null ? [] : (yield* readResolutions({ repository, commit: tip })).resolutions
        const { added, issues, updated } = unite(known, theirs.resolutions)
        const changes: Array<TreeChange> = []
        for (const { resolution } of [...added, ...updated]) {
          changes.push(yield* writeResolution(quarantine, resolution))
        }
        const result: MergedResolutions = { added, issues: [...theirs.issues, ...issues] }
        return { ...planned, changes, result, merged: from }
      })
  })
})

/**
 * Fetches the remote's resolutions and merges them. A remote without any gives nothing.
 *
 * Errors besides those of `mergeResolutions`: `InvalidName`, `RemoteUnreachable`.
 */
export const pullResolutions = Effect.fn("ResolutionSharing.pull")(function* (options: {
  readonly repository: Repository
  readonly remote: string
}) {
  const { repository } = options
  const from = yield* fetchTheirs(options)
  return from === null ? nothingNew : yield* mergeResolutions({ repository, from })
})

/**
 * Pushes this repository's resolutions, merged with those of the remote. The remote's ref only moves forward: it is pushed
 * with an exact lease, and pulled again when somebody else was faster, a bounded number of times.
 *
 * Gives the outcome of the push, or `null` when there is nothing to push.
 */
export const pushResolutions = Effect.fn("ResolutionSharing.push")(function* (options: {
  readonly repository: Repository
  readonly remote: string
}) {
  const { repository, remote } = options
  let last: PushOutcome | null = null
  for (let tries = 0; tries < pushTriesMax; tries++) {
    const expected = yield* fetchTheirs(options)
    if (expected !== null) yield* mergeResolutions({ repository, from: expected })
    const commit = yield* readRef({ repository, ref: resolutionsRef })
    if (commit === null) return null
    const ref = resolutionsRef
    last = yield* pushRef({ repository, remote, ref, commit, expected, upstreamRemote: null })
    if (last._tag !== "Stale") return last
  }
  return last
})

/** Where the resolutions of a remote lie here after a pull. */
export const remoteResolutionsRef = (remote: string) =>
  parseRef(`refs/patchmoi/remotes/${remote}/resolutions`)

// --- internal ---

const nothingNew: MergedResolutions = { added: [], issues: [] }

const unite = (known: ReadonlyArray<StoredResolution>, theirs: ReadonlyArray<StoredResolution>) => {
  const byId = new Map(known.map((each) => [each.id, each.resolution]))
  const room = new Map<string, number>()
  for (const { resolution } of known) {
    const key = resolutionKeyOf(resolution)
    room.set(key, (room.get(key) ?? 0) + 1)
  }
  const added: Array<StoredResolution> = []
  const updated: Array<StoredResolution> = []
  const issues: Array<ResolutionIssue> = []
  for (const stored of theirs) {
    const mine = byId.get(stored.id)
    const key = resolutionKeyOf(stored.resolution)
    if (mine !== undefined) {
      const checks = mergeChecks(mine.checks, stored.resolution.checks)
      if (JSON.stringify(checks) !== JSON.stringify(mine.checks))
        updated.push({ id: stored.id, resolution: { ...mine, checks } })
    } else if ((room.get(key) ?? 0) >= idsPerKeyMax) {
      issues.push({ place: `${key}/${stored.id}`, detail: "there are too many resolutions of this conflict" })
    } else {
      room.set(key, (room.get(key) ?? 0) + 1)
      added.push(stored)
    }
  }
  return { added, updated, issues }
}

const isAncestor = (repository: Repository, ancestor: ObjectId, of: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["merge-base", "--is-ancestor", ancestor, of]
    const found = yield* git.run({ args, cwd: repository.directory, okExitCodes: [0, 1] })
    return found.exitCode === 0
  })

/** What the remote's ref is now, its objects fetched; `null` when it has none. */
const fetchTheirs = (options: { readonly repository: Repository; readonly remote: string }) =>
  Effect.gen(function* () {
    const { repository } = options
    const remote = yield* parseRemote(options.remote)
    const ref: RefName = yield* remoteResolutionsRef(remote)
    const there = yield* listRemoteRefs({ repository, remote, patterns: [resolutionsRef] })
    if (!there.has(resolutionsRef)) return null
    const refspec = `+${resolutionsRef}:${ref}`
    yield* fetchRefspec({ repository, remote, refspec, config: ["fetch.fsckObjects=true"] })
    return yield* readRef({ repository, ref })
  })
