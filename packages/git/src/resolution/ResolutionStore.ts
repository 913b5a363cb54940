/**
 * The resolutions of a repository: one ref, `refs/patchmoi/resolutions`, whose history says who added what.
 *
 * Writers go side by side: each builds on the commit that it read, moves the ref only from there, and begins again when
 * somebody else was faster, a bounded number of times. Nothing that is there is rewritten but by `addChecks` and `delete`.
 */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { GitError } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { readObjects } from "../internal/catFile.ts"
import { makeQuarantine, type Quarantine } from "../internal/quarantine.ts"
import { writeRecordCommit } from "../internal/recordCommit.ts"
import { oneLineOf } from "../internal/words.ts"
import { moveRefs, type StaleRef } from "../RefTransaction.ts"
import { type Repository, readRef } from "../Repository.ts"
import {
  contentBytesMax,
  contextOf,
  hasMarkers,
  holding,
  Resolution,
  type ResolutionAuthor,
  type ResolutionCheck,
  type ResolutionId,
  type ResolutionIssue,
  resolutionBytesMax,
  resolutionChecksMax,
  resolutionKeyOf,
  type StoredResolution,
  type Versions
} from "./Resolution.ts"
import {
  changeTree,
  contentOf,
  readFolders,
  readKeys,
  resolutionsRef,
  type TreeChange,
  writeResolution
} from "./ResolutionTree.ts"

/** How often a write begins again because somebody else was faster. */
export const storeTriesMax = 12

/** A resolution that cannot be stored. Nothing was stored. */
export class ResolutionRefused extends Schema.TaggedError<ResolutionRefused>("git/ResolutionRefused")(
  "ResolutionRefused",
  { path: Schema.String, reason: Schema.String }
) {
  override get message(): string {
    return `The resolution of ${this.path} is not stored: ${this.reason}`
  }
}

/** A resolution to store, and the file that was decided on. */
export interface NewResolution {
  readonly resolution: Resolution
  /** The bytes behind `resolution.result`; `null` where there is no file, and for a submodule. */
  readonly content: Uint8Array | null
}

/**
 * Stores the resolutions in one commit and gives their ids, in order. One that says the same as a stored one by the same
 * author gets that one's id, and nothing is written.
 *
 * Errors: `ResolutionRefused` (too large, conflict markers, too many), `StaleRef` (others kept writing), `QuarantineError`,
 * `GitError`; nothing was stored.
 */
export const storeResolutions = Effect.fn("ResolutionStore.store")(function* (options: {
  readonly repository: Repository
  readonly resolutions: ReadonlyArray<NewResolution>
}) {
  const { repository, resolutions } = options
  for (const given of resolutions) yield* refuseUnusable(repository, given)
  const first = resolutions[0]
  if (first === undefined) return []
  return yield* changeResolutions({
    repository,
    plan: (quarantine, tip) =>
      Effect.gen(function* () {
        const keys = resolutions.map(({ resolution }) => resolutionKeyOf(resolution))
        const known = tip === null ? [] : (yield* readFolders(repository, tip, keys)).resolutions
        const changes: Array<TreeChange> = []
        const ids: Array<ResolutionId> = []
        for (const { content, resolution } of resolutions) {
          const same = known.find((stored) => saysTheSame(stored.resolution, resolution))
          if (same === undefined) {
            if (content !== null) yield* quarantine.write("blob", content)
            const change = yield* writeResolution(quarantine, resolution)
            changes.push(change)
            ids.push(change.id)
          } else ids.push(same.id)
        }
        const { author, date, patch, path } = first.resolution
        const more = resolutions.length === 1 ? "" : ` and ${resolutions.length - 1} more`
        return { changes, result: ids, author, date, message: `Resolve ${path}${more} for ${patch}` }
      })
  })
})

/** Every resolution under the ref, and what is none. `ref` names another ref or commit. (Default: the repository's own.) */
export const readResolutions = Effect.fn("ResolutionStore.read")(function* (options: {
  readonly repository: Repository
  readonly commit?: ObjectId
}) {
  const { repository } = options
  const tip = options.commit ?? (yield* readRef({ repository, ref: resolutionsRef }))
  if (tip === null) return { resolutions: noResolutions, issues: noIssues }
  const { keys, issues } = yield* readKeys(repository, tip)
  const read = yield* readFolders(repository, tip, keys)
  return { resolutions: read.resolutions, issues: [...issues, ...read.issues] }
})

/** For each file of the conflict, the resolutions that hold for it, the best first. */
export const findResolutions = Effect.fn("ResolutionStore.find")(function* (options: {
  readonly repository: Repository
  /** All files of the conflict: some resolutions hold for the whole of it only. */
  readonly files: ReadonlyArray<Versions>
}) {
  const { repository, files } = options
  const tip = yield* readRef({ repository, ref: resolutionsRef })
  if (tip === null) return files.map(() => noResolutions)
  const { resolutions } = yield* readFolders(repository, tip, files.map(resolutionKeyOf))
  const context = contextOf(files)
  return files.map((file) => holding(resolutions, file, context))
})

/** Adds checks that passed to resolutions. One that is not stored is left out; the answer names those that were changed. */
export const addChecks = Effect.fn("ResolutionStore.addChecks")(function* (options: {
  readonly repository: Repository
  readonly ids: ReadonlyArray<string>
  readonly checks: ReadonlyArray<ResolutionCheck>
  readonly author: ResolutionAuthor
  /** Seconds since 1970. */
  readonly date: number
}) {
  const { repository, checks } = options
  const ids = new Set(options.ids)
  return yield* changeResolutions({
    repository,
    plan: (quarantine, tip) =>
      Effect.gen(function* () {
        const stored = tip === null ? [] : (yield* readResolutions({ repository, commit: tip })).resolutions
        const changes: Array<TreeChange> = []
        for (const { id, resolution } of stored) {
          const merged = mergeChecks(resolution.checks, checks)
          if (!ids.has(id) || merged.length === resolution.checks.length) continue
          changes.push(yield* writeResolution(quarantine, { ...resolution, checks: merged }))
        }
        const message = `Record ${checks.length} checks that passed`
        const { author, date } = options
        return { changes, result: changes.map(({ id }) => id), author, date, message }
      })
  })
})

/** Takes a resolution out, also one that cannot be read, and tells whether it was there. Its history stays. */
export const deleteResolution = Effect.fn("ResolutionStore.delete")(function* (options: {
  readonly repository: Repository
  readonly id: string
  readonly author: ResolutionAuthor
  /** Seconds since 1970. */
  readonly date: number
}) {
  const { repository, id, author, date } = options
  return yield* changeResolutions({
    repository,
    plan: (_, tip) =>
      Effect.gen(function* () {
        const keys = tip === null ? [] : (yield* readKeys(repository, tip)).keys
        const names = keys.map((key) => `${tip}:${key}/${id}`)
        const isUsable = /^[0-9a-f]{32}$/.test(id)
        const found = isUsable ? yield* readObjects({ repository, names }) : []
        const changes = keys
          .filter((_, at) => (found[at] ?? null) !== null)
          .map((key): TreeChange => ({ key, id, folder: null }))
        return { changes, result: changes.length > 0, author, date, message: `Delete the resolution ${id}` }
      })
  })
})

/** Both lists of checks, each name and tree once, in an order of their own: whoever merges them gets the same. */
export const mergeChecks = (
  some: ReadonlyArray<ResolutionCheck>,
  others: ReadonlyArray<ResolutionCheck>
): ReadonlyArray<ResolutionCheck> => {
  const keyOf = ({ name, tree }: ResolutionCheck) => `${tree} ${name}`
  const known = new Map<string, ResolutionCheck>()
  for (const check of [...some, ...others]) {
    const same = known.get(keyOf(check))
    if (same === undefined || check.date < same.date) known.set(keyOf(check), check)
  }
  const ordered = [...known.values()].sort((a, b) => a.date - b.date || (keyOf(a) < keyOf(b) ? -1 : 1))
  return ordered.slice(0, resolutionChecksMax)
}

/** What a writer wants to change, and who it is. */
export interface ResolutionChange<A> {
  readonly changes: ReadonlyArray<TreeChange>
  readonly result: A
  readonly author: ResolutionAuthor
  readonly date: number
  readonly message: string
  /** A commit that was merged in. (Default: none.) */
  readonly merged?: ObjectId
}

/** Changes what the ref holds: plans on what is there, and begins again when it has moved. No change moves nothing. */
export const changeResolutions = Effect.fnUntraced(function* <A, E, R>(options: {
  readonly repository: Repository
  readonly plan: (quarantine: Quarantine, tip: ObjectId | null) => Effect.Effect<ResolutionChange<A>, E, R>
}) {
  const { repository } = options
  const once = Effect.scoped(
    Effect.gen(function* () {
      const tip = yield* readRef({ repository, ref: resolutionsRef })
      const quarantine = yield* makeQuarantine(repository)
      const planned = yield* options.plan(quarantine, tip)
      const { author, changes, date, merged, message } = planned
      if (changes.length === 0 && merged === undefined) return planned.result
      const tree = yield* changeTree({ repository, quarantine, commit: tip, changes })
      if (tree === null) {
        const reason = "the ref would hold more than it may; delete some (patchmoi patch resolution delete)"
        return yield* new ResolutionRefused({ path: changes[0]?.key ?? "", reason })
      }
      const commit = yield* writeRecordCommit(quarantine, {
        tree,
        parents: [tip, merged].flatMap((parent) => (parent === null || parent === undefined ? [] : [parent])),
        identity: `${author.name} <${author.email}> ${date} +0000`,
        message: oneLineOf(message, 200)
      })
      yield* quarantine.migrate([commit])
      const updates = [{ ref: resolutionsRef, expected: tip, next: commit }]
      yield* moveRefs({ repository, updates, reason: "patchmoi: resolutions" })
      return planned.result
    })
  )
  return yield* Effect.retry(once, {
    times: storeTriesMax - 1,
    while: wasFaster,
    schedule: Schedule.jittered(Schedule.spaced("30 millis"))
  })
})

// --- internal ---

const noResolutions: ReadonlyArray<StoredResolution> = []
const noIssues: ReadonlyArray<ResolutionIssue> = []

/** Another writer moved the ref, or holds git's lock on it at this moment. */
const wasFaster = (error: unknown): boolean => {
  const isTagged = (given: unknown): given is StaleRef | GitError =>
    typeof given === "object" && given !== null && "_tag" in given
  if (!isTagged(error)) return false
  return (
    error._tag === "StaleRef" || (error._tag === "GitError" && /cannot lock ref|\.lock/.test(error.stderr))
  )
}

const isResolution = Schema.is(Resolution)

const refuseUnusable = (repository: Repository, { content, resolution }: NewResolution) =>
  Effect.gen(function* () {
    const refuse = (reason: string) => new ResolutionRefused({ path: resolution.path, reason })
    if (!isResolution(resolution)) return yield* refuse("it does not have the form of a resolution")
    if (JSON.stringify(resolution).length > resolutionBytesMax / 2)
      return yield* refuse("its texts are too long")
    if ((contentOf(resolution) === null) !== (content === null))
      return yield* refuse("its content is missing")
    if (content === null) return
    if (content.byteLength > contentBytesMax)
      return yield* refuse(`it has more than ${contentBytesMax} bytes`)
    const sides = [resolution.base, resolution.ours, resolution.theirs]
    const names = sides.flatMap((side) => (side === null || side.mode === "160000" ? [] : [side.oid]))
    const versions = yield* readObjects({ repository, names: names.filter(isObjectId) })
    const contents = versions.flatMap((found) => (found === null ? [] : [found.content]))
    if (hasMarkers(content, contents)) return yield* refuse("it still has conflict markers")
  })

/** The same decision by the same author in the same way; when it was made does not matter. */
const saysTheSame = (a: Resolution, b: Resolution): boolean =>
  JSON.stringify({ ...a, date: 0, checks: [] }) === JSON.stringify({ ...b, date: 0, checks: [] })
