/** Where upstream is now: fetch, if the operator lets us, and find the commit that the event is about. */
import { candidateRefOf } from "@patchmoi/git/candidate/Candidate"
import { Git } from "@patchmoi/git/Git"
import {
  type ObjectId,
  parseBranch,
  parseObjectId,
  parseRef,
  parseTag,
  type RefName
} from "@patchmoi/git/GitName"
import { fetchRemote, resolveTag } from "@patchmoi/git/Remote"
import { readRef, resolveCommit } from "@patchmoi/git/Repository"
import * as Effect from "effect/Effect"
import type { Fork } from "./Fork.ts"
import type { BranchMovement, ReleaseMovement, UpstreamMovement } from "./Movement.ts"
import { NotReady } from "./NotReady.ts"
import type { Progress } from "./Progress.ts"

/** The point that the patches go onto. */
export interface UpstreamPoint {
  readonly kind: UpstreamMovement["kind"]
  /** The tag or branch, short; the candidate is `candidate/<name>`. */
  readonly name: string
  readonly commit: ObjectId
  readonly candidate: RefName
}

/**
 * Fetches where that is allowed, and resolves the tag or branch.
 *
 * `NotReady`, `InvalidName`, `TagNotFound`, `RevisionNotFound`, `RemoteUnreachable`, `GitError`.
 */
export const followUpstream = Effect.fn("Upstream.follow")(function* (
  fork: Fork,
  movement: UpstreamMovement,
  progress: Progress
) {
  return movement.kind === "release"
    ? yield* followRelease(fork, movement, progress)
    : yield* followBranch(fork, movement, progress)
})

// --- internal ---

const followRelease = (fork: Fork, movement: ReleaseMovement, progress: Progress) =>
  Effect.gen(function* () {
    const { repository, upstreamRemote } = fork
    const tag = movement.tag.replace(/^refs\/tags\//, "")
    // Before git is asked anything: the tag comes from outside.
    yield* parseTag(tag)
    const candidate = yield* candidateRefOf(tag)
    const { retagged } = yield* fetchUpstream(fork, progress)
    if (retagged.includes(tag)) {
      return yield* new NotReady({
        problem: `${upstreamRemote} moved the tag ${tag} since it was last fetched`,
        remedy: "make sure that this is upstream's doing, then replay the event to build on the new commit"
      })
    }
    const { commit } = yield* resolveTag({
      repository,
      tag,
      ...(upstreamRemote === null ? {} : { remote: upstreamRemote })
    }).pipe(
      Effect.catchTag("TagNotFound", () =>
        Effect.fail(
          new NotReady({
            problem: `the tag ${tag} is not in ${repository.directory}`,
            remedy: whereToFind(fork)
          })
        )
      )
    )
    yield* progress(`upstream ${movement.repo} has ${tag} at ${commit}`)
    const point: UpstreamPoint = { kind: "release", name: tag, commit, candidate }
    return point
  })

const followBranch = (fork: Fork, movement: BranchMovement, progress: Progress) =>
  Effect.gen(function* () {
    const { repository, upstreamRemote } = fork
    const name = movement.ref.replace(/^refs\/heads\//, "")
    yield* parseBranch(name)
    const candidate = yield* candidateRefOf(name)
    const sha = movement.sha === undefined ? undefined : yield* parseObjectId(movement.sha)
    if (upstreamRemote === null) return yield* missingRemote(fork)
    yield* fetchUpstream(fork, progress)
    const ref = yield* parseRef(`refs/remotes/${upstreamRemote}/${name}`)
    const commit = yield* readRef({ repository, ref })
    if (commit === null) {
      return yield* new NotReady({
        problem: `${upstreamRemote} has no branch ${name} that is known in ${repository.directory}`,
        remedy: whereToFind(fork)
      })
    }
    if (sha !== undefined && !(yield* isOnBranch(fork, sha, commit))) {
      return yield* new NotReady({
        problem: `the event's commit ${sha} is not on ${upstreamRemote}'s branch ${name}, which is at ${commit}`,
        remedy:
          "nothing is built on a commit that the branch does not have; a newer event will follow a forced push"
      })
    }
    yield* progress(`upstream ${movement.repo} has ${name} at ${commit}`)
    const point: UpstreamPoint = { kind: "branch", name, commit, candidate }
    return point
  })

const fetchUpstream = (fork: Fork, progress: Progress) =>
  Effect.gen(function* () {
    const { own, policy, repository, upstreamRemote } = fork
    if (!policy.fetch) {
      yield* progress("fetch is off: going by what is in the repository")
      return { retagged: noTags }
    }
    if (upstreamRemote === null) return yield* missingRemote(fork)
    yield* progress(`fetching ${upstreamRemote}`)
    const { prune, pruneTags } = own
    return yield* fetchRemote({ repository, remote: upstreamRemote, prune, pruneTags })
  })

const noTags: ReadonlyArray<string> = []

const missingRemote = (fork: Fork) =>
  new NotReady({
    problem: `${fork.repository.directory} has no remote "${fork.upstreamRemoteWanted}"`,
    remedy: `add it: git remote add ${fork.upstreamRemoteWanted} URL, or set upstream_remote in the [config] of the flow`
  })

const whereToFind = (fork: Fork): string =>
  fork.policy.fetch
    ? `${fork.upstreamRemoteWanted} does not have it: check the event and the remote's address`
    : `fetch it (git fetch ${fork.upstreamRemoteWanted} --tags), or let the flow fetch: CODEX_FLOW_FETCH=1`

/** A commit id in an event proves nothing: it may be of another branch, or of none. */
const isOnBranch = (fork: Fork, sha: ObjectId, tip: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const { repository } = fork
    const found = yield* Effect.either(resolveCommit({ repository, revision: sha }))
    if (found._tag === "Left") return found.left._tag === "RevisionNotFound" ? false : yield* found.left
    const args = ["merge-base", "--is-ancestor", sha, tip]
    const { exitCode } = yield* git.run({ args, cwd: repository.directory, okExitCodes: [0, 1] })
    return exitCode === 0
  })
