/**
 * Two versions of a patch stack side by side, as `git range-diff` pairs them, without the noise.
 *
 * 1. A row pairs a commit of the old stack with the one of the new stack that it became; one without a partner was removed
 *    or added.
 * 2. Line numbers never count. Neither do the lines around a change: where only these differ, upstream moved and the patch
 *    did not, and the row says `context`.
 * 3. Both stacks are bounded by a number of commits, as the work grows with the product of both.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, ObjectId } from "../GitName.ts"
import { makeDiffRoom, pinnedConfig, placeOf } from "../internal/diffs.ts"
import type { Repository } from "../Repository.ts"
import { parseRows } from "./parseRows.ts"

/** Commits of each stack unless the caller says otherwise. */
export const rangeDiffCommitsMaxDefault = 500

/**
 * How unlike two commits may be and still be one, in percent. Git's own 60 takes small patches apart when upstream changes
 * the lines around them, which is what happens to every stack.
 */
const creationFactor = 75

/** Longest output of git that is read: 32 MiB. */
const outputBytesMax = 32 * 1024 * 1024

/** A stack: the commits above `base` up to `tip`. */
export interface CommitRange {
  readonly base: ObjectId
  readonly tip: ObjectId
}

/** A stack has more commits than are compared. Nothing was compared. */
export class RangeTooLong extends Schema.TaggedError<RangeTooLong>("git/RangeTooLong")("RangeTooLong", {
  base: ObjectId,
  tip: ObjectId,
  commitsMax: Schema.Int
}) {
  override get message(): string {
    return `There are more than ${this.commitsMax} commits between ${this.base} and ${this.tip}; name a base nearer to the stack`
  }
}

/**
 * Compares two stacks. Merges are left out.
 *
 * Errors: `RangeTooLong`, `QuarantineError`, `GitError`.
 */
export const rangeDiff = Effect.fn("RangeDiff.rangeDiff")(function* (options: {
  readonly repository: Repository
  readonly old: CommitRange
  readonly new: CommitRange
  /** Commits of each stack. (Default: 500.) */
  readonly commitsMax?: number
}) {
  const { repository } = options
  const commitsMax = options.commitsMax ?? rangeDiffCommitsMaxDefault
  for (const range of [options.old, options.new]) yield* refuseTooLong(repository, range, commitsMax)
  const git = yield* Git
  const output = yield* git.run({
    ...placeOf(yield* makeDiffRoom(repository)),
    args: [
      ...pinnedConfig,
      ...ownConfig,
      "range-diff",
      "--no-color",
      "--no-notes",
      `--creation-factor=${creationFactor}`,
      `${options.old.base}..${options.old.tip}`,
      `${options.new.base}..${options.new.tip}`
    ],
    outputBytesMax
  })
  return parseRows(output.stdout)
})

// --- internal ---

/** Ids in full, and diffs that no configuration changes. */
const ownConfig = ["core.abbrev=no", "diff.renames=true", "format.pretty=medium"].flatMap((setting) => [
  "-c",
  setting
])

const refuseTooLong = (repository: Repository, { base, tip }: CommitRange, commitsMax: number) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: ["rev-list", "--no-merges", `--max-count=${commitsMax + 1}`, tip, `^${base}`],
      cwd: repository.directory
    })
    const count = linesOf(output.stdout).filter(isObjectId).length
    if (count > commitsMax) return yield* new RangeTooLong({ base, tip, commitsMax })
  })
