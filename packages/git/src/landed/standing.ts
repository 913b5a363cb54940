/**
 * Whether a commit of upstream still counts where merges had a hand in it. A diff does not tell that.
 *
 * 1. Who reverts a merge takes back every commit that it brought. The revert names the merge, and its diff is that of all
 *    of them together.
 * 2. A merge may leave behind what its branch did (`git merge -s ours`). Git's own history of the paths then passes the
 *    branch by.
 */
import * as Effect from "effect/Effect"
import { Git, type GitError, linesOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { type DiffRoom, placeOf } from "../internal/diffs.ts"
import type { ChangeIndex } from "./changeIndex.ts"
import { type CommitMessage, readMessages, type UpstreamRange } from "./upstreamRange.ts"

/** Why a commit does not count: upstream took it back, in the commit `by`, or a merge left it behind. */
export type Gone =
  | { readonly how: "taken-back"; readonly by: ObjectId }
  | { readonly how: "left-behind"; readonly by: null }

/** What is known about upstream. */
interface Known {
  readonly room: DiffRoom
  readonly index: ChangeIndex
  readonly messages: ReadonlyMap<ObjectId, CommitMessage>
}

/** Gives a function that tells why a commit of a range does not count; `null` when it does. */
export const makeStanding = ({ index, messages, room }: Known) => {
  const reverted = new Map<UpstreamRange, ReadonlyArray<RevertedMerge>>()
  const mainlines = new Map<UpstreamRange, ReadonlySet<ObjectId>>()
  return (range: UpstreamRange, commit: ObjectId): Effect.Effect<Gone | null, GitError, Git> =>
    Effect.gen(function* () {
      const merges = reverted.get(range) ?? (yield* readRevertedMerges(room, messages, range))
      reverted.set(range, merges)
      const by = merges.length === 0 ? null : yield* takenBackBy(room, range, commit, merges)
      if (by !== null) return { how: "taken-back", by }
      const mainline = mainlines.get(range) ?? (yield* readMainline(room, range))
      mainlines.set(range, mainline)
      // No merge stands between such a commit and upstream.
      if (mainline.has(commit)) return null
      const paths = index.get(commit)?.paths ?? []
      return (yield* isInHistory(room, range, commit, paths)) ? null : { how: "left-behind", by: null }
    })
}

// --- internal ---

/** A merge, what it was made on, and the commit that took it back. */
interface RevertedMerge {
  readonly merge: ObjectId
  readonly onto: ObjectId
  readonly by: ObjectId
}

/** The merges that a commit of the range reverts, unless that commit was reverted as well. */
const readRevertedMerges = (room: DiffRoom, messages: Known["messages"], range: UpstreamRange) =>
  Effect.gen(function* () {
    const own = new Set(range.commits)
    // Newest first: a revert that was reverted itself is known before it is met.
    const undone = new Set<ObjectId>()
    const by = new Map<ObjectId, ObjectId>()
    for (const commit of range.commits) {
      if (undone.has(commit)) continue
      for (const reverts of messages.get(commit)?.reverts ?? []) {
        undone.add(reverts)
        if (!own.has(reverts)) by.set(reverts, commit)
      }
    }
    const found = yield* readMessages(room.repository, [...by.keys()])
    return [...by].flatMap(([merge, revert]): ReadonlyArray<RevertedMerge> => {
      const [onto, second] = found.get(merge)?.parents ?? []
      return onto === undefined || second === undefined ? [] : [{ merge, onto, by: revert }]
    })
  })

const takenBackBy = (
  room: DiffRoom,
  { onto }: UpstreamRange,
  commit: ObjectId,
  merges: ReadonlyArray<RevertedMerge>
) =>
  Effect.gen(function* () {
    const git = yield* Git
    const above = new Set(
      yield* revList(room, ["--merges", "--ancestry-path"], Buffer.from(`${onto}\n^${commit}\n`))
    )
    for (const { by, merge, onto: below } of merges) {
      if (!above.has(merge)) continue
      const args = ["merge-base", "--is-ancestor", commit, below]
      const { exitCode } = yield* git.run({ ...placeOf(room), args, okExitCodes: [0, 1] })
      if (exitCode === 1) return by
    }
    return null
  })

const readMainline = (room: DiffRoom, { onto, root }: UpstreamRange) =>
  Effect.map(
    revList(room, ["--first-parent"], Buffer.from(`${onto}\n^${root}\n`)),
    (commits): ReadonlySet<ObjectId> => new Set(commits)
  )

/** Whether the commit is in the history of its paths, as `git log -- <paths>` simplifies it. */
const isInHistory = (
  room: DiffRoom,
  { onto, root }: UpstreamRange,
  commit: ObjectId,
  paths: ReadonlyArray<string>
) => {
  // A path is a line here. One with a line feed in it is left to the others.
  const lines = paths.filter((path) => !path.includes("\n"))
  if (lines.length === 0) return Effect.succeed(true)
  const asked = Buffer.from(`${[onto, `^${root}`, "--", ...lines].join("\n")}\n`, "latin1")
  return Effect.map(revList(room, ["--no-merges"], asked), (commits) => commits.includes(commit))
}

const revList = (room: DiffRoom, options: ReadonlyArray<string>, stdin: Uint8Array) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["--literal-pathspecs", "rev-list", ...options, "--stdin"]
    const output = yield* git.run({ ...placeOf(room), args, stdin })
    return linesOf(output.stdout).filter(isObjectId)
  })
