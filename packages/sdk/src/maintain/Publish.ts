/**
 * Pushing the candidate, and the maintained branch where it was moved, to each remote.
 *
 * 1. Every push has an exact lease: what the remote branch was when this run looked, before the checks. Never a bare force.
 * 2. A remote branch is replaced only when this clone put its commit there: the last push, which is kept under
 *    `refs/patchmoi/pushed/`, or the local branch before this run. Work that somebody else pushed there stays. `force`
 *    lifts this second rule, not the first.
 * 3. Each remote is told on its own; one that fails stops no other.
 */
import { type ObjectId, parseRef, type RefName, shortName } from "@patchmoi/git/GitName"
import { pushRef } from "@patchmoi/git/Push"
import { moveRefs } from "@patchmoi/git/RefTransaction"
import { listRemoteRefs } from "@patchmoi/git/Remote"
import { readRef } from "@patchmoi/git/Repository"
import * as Effect from "effect/Effect"
import * as Match from "effect/Match"
import type { Fork } from "./Fork.ts"
import type { Progress } from "./Progress.ts"

/** What became of one branch at one remote. */
export interface Publication {
  readonly remote: string
  readonly ref: RefName
  readonly commit: ObjectId
  /**
   * `pushed` and `up to date`: the remote branch names the commit. `foreign`: it names a commit that this clone did not
   * put there. `stale`: it moved during the run. `declined`: the server said no. `unreachable`: whether it moved is not
   * known if the push had begun.
   */
  readonly outcome: "pushed" | "up to date" | "foreign" | "stale" | "declined" | "unreachable"
  /** The lease: what the remote branch had to be; `null` for absent. */
  readonly expected: ObjectId | null
  /** What it was found to be, where that is known. */
  readonly observed: ObjectId | null
  readonly message: string | null
}

/** The branches of one remote as they were seen, or why they were not. */
export interface Observed {
  readonly remote: string
  readonly refs: ReadonlyMap<string, ObjectId>
  readonly problem: string | null
}

/** Looks at the branches, before the long part of the run. A remote that does not answer is told, and is no error. */
export const observeRemotes = Effect.fn("Publish.observe")(function* (
  fork: Fork,
  refs: ReadonlyArray<RefName>
) {
  const { pushRemotes, repository, topology } = fork
  return yield* Effect.forEach(pushRemotes, (remote) => {
    const seen = (problem: string | null, found: ReadonlyMap<string, ObjectId> = new Map()): Observed => ({
      remote,
      refs: found,
      problem
    })
    if (!topology.remotes.some((each) => each.name === remote)) {
      const remedy = `add it: git remote add ${remote} URL, or set push_remotes in the [config] of the flow`
      return Effect.succeed(seen(`there is no remote "${remote}"; ${remedy}`))
    }
    return listRemoteRefs({ repository, remote, patterns: refs }).pipe(
      Effect.map((found) => seen(null, found)),
      Effect.catchTag("RemoteUnreachable", (error) => Effect.succeed(seen(error.message)))
    )
  })
})

/** One branch to push. */
export interface PushedBranch {
  readonly ref: RefName
  readonly commit: ObjectId
  /** What the local branch was before this run. */
  readonly before: ObjectId | null
}

/** Pushes each branch to each remote. What a remote says is a value; `GitError` and `StaleRef` are of the local clone. */
export const publish = Effect.fn("Publish.publish")(function* (
  fork: Fork,
  branches: ReadonlyArray<PushedBranch>,
  given: { readonly observed: ReadonlyArray<Observed>; readonly force: boolean },
  progress: Progress
) {
  const publications: Array<Publication> = []
  for (const observed of given.observed) {
    for (const branch of branches) {
      const publication = yield* publishOne(fork, branch, observed, given.force)
      publications.push(publication)
      const detail = publication.message === null ? "" : `: ${publication.message}`
      yield* progress(`push ${shortName(branch.ref)} to ${observed.remote}: ${publication.outcome}${detail}`)
    }
  }
  return publications
})

/** Whether the remote branch names the commit now. */
export const isPublished = ({ outcome }: Publication): boolean =>
  outcome === "pushed" || outcome === "up to date"

// --- internal ---

const publishOne = (fork: Fork, branch: PushedBranch, { problem, refs, remote }: Observed, force: boolean) =>
  Effect.gen(function* () {
    const { repository } = fork
    const { commit, ref } = branch
    const expected = refs.get(ref) ?? null
    const told = (
      outcome: Publication["outcome"],
      message: string | null = null,
      observed: ObjectId | null = expected
    ): Publication => ({ remote, ref, commit, outcome, expected, observed, message })
    if (problem !== null) return told("unreachable", problem)
    const record = yield* parseRef(`refs/patchmoi/pushed/${remote}/${shortName(ref)}`)
    const last = yield* readRef({ repository, ref: record })
    if (expected !== null && !force && ![commit, last, branch.before].includes(expected)) {
      const remedy = "look at it, then delete it there or replay with CODEX_FLOW_FORCE=1"
      return told("foreign", `it is at ${expected}, which was not pushed from here; ${remedy}`)
    }
    const outcome = yield* pushRef({
      repository,
      remote,
      ref,
      commit,
      expected,
      upstreamRemote: fork.upstreamRemote
    }).pipe(
      Effect.map(
        Match.valueTags({
          Pushed: () => told("pushed", null, commit),
          UpToDate: () => told("up to date", null, commit),
          Stale: ({ actual }) =>
            told("stale", `it moved to ${actual ?? "nothing"} during the run; replay`, actual),
          Declined: ({ message }) => told("declined", message),
          Unreachable: ({ message }) => told("unreachable", message, null)
        })
      ),
      Effect.catchTags({
        PublishedRefIsUpstreamTag: (error) => Effect.succeed(told("declined", error.message)),
        RemoteUnreachable: (error) => Effect.succeed(told("unreachable", error.message))
      })
    )
    if (isPublished(outcome)) {
      const reason = `patchmoi: pushed to ${remote}`
      yield* moveRefs({ repository, updates: [{ ref: record, expected: last, next: commit }], reason })
    }
    return outcome
  })
