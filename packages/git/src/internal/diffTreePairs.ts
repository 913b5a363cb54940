/** One `git diff-tree` for many pairs of trees. What it prints for a pair is read by the caller. */
import * as Effect from "effect/Effect"
import { Git, GitError } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import { pinnedConfig, wholeDiff } from "./diffs.ts"

/** Two trees. */
export interface TreePair {
  readonly from: ObjectId
  readonly to: ObjectId
}

/** Bytes that are read for all pairs together. */
const outputBytesMax = 256 * 1024 * 1024

/**
 * What `parse` makes of each pair, in the order of the pairs. `GitError` when an object is missing, or when `parse` gives `null` or
 * another number of pairs.
 */
export const diffTreePairs = <A>(options: {
  readonly repository: Repository
  readonly pairs: ReadonlyArray<TreePair>
  /** What to print, besides `--stdin -r -z`. */
  readonly args: ReadonlyArray<string>
  readonly parse: (output: Buffer) => ReadonlyArray<ReadonlyArray<A>> | null
}): Effect.Effect<ReadonlyArray<ReadonlyArray<A>>, GitError, Git> =>
  Effect.gen(function* () {
    const { pairs, repository } = options
    if (pairs.length === 0) return []
    const git = yield* Git
    const args = [...pinnedConfig, "diff-tree", "--stdin", "-r", "-z", wholeDiff, ...options.args]
    const stdin = pairs.map(({ from, to }) => `${from} ${to}\n`).join("")
    const output = yield* git.run({ args, cwd: repository.directory, stdin, outputBytesMax })
    const { buffer, byteLength, byteOffset } = output.stdout
    const parsed = options.parse(Buffer.from(buffer, byteOffset, byteLength))
    if (parsed?.length === pairs.length) return parsed
    const stderr = `changes of ${pairs.length} pairs were expected; ${output.stderr}`
    return yield* new GitError({ args, cwd: repository.directory, reason: "protocol", exitCode: 0, stderr })
  })
