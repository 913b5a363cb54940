/** Lines that differ between trees, file by file, for many pairs of trees by one `git diff-tree`. A renamed file is one file. */
import * as Effect from "effect/Effect"
import { Git, GitError } from "../Git.ts"
import type { Repository } from "../Repository.ts"
import type { TreePair } from "./treeChanges.ts"

/** One file that differs. */
export interface LineCount {
  readonly path: Buffer
  /** The path before, when the file was renamed. */
  readonly oldPath: Buffer | null
  /** Lines; `null` for a binary file. */
  readonly added: number | null
  readonly removed: number | null
}

/** Bytes of paths and counts that are read for all pairs together. */
const countsBytesMax = 256 * 1024 * 1024

/** The files of each pair, in the order of the pairs. `GitError` when a tree or a blob is missing. */
export const readLineCounts = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly pairs: ReadonlyArray<TreePair>
}) {
  if (options.pairs.length === 0) return []
  const git = yield* Git
  const args = ["diff-tree", "--stdin", "-r", "-z", "--numstat", "-M", "--no-ext-diff", "--no-textconv"]
  const output = yield* git.run({
    args,
    cwd: options.repository.directory,
    stdin: options.pairs.map(({ from, to }) => `${from} ${to}\n`).join(""),
    outputBytesMax: countsBytesMax
  })
  const bytes = Buffer.from(output.stdout.buffer, output.stdout.byteOffset, output.stdout.byteLength)
  const parsed = parseCounts(bytes)
  if (parsed === null || parsed.length !== options.pairs.length) {
    return yield* new GitError({
      args,
      cwd: options.repository.directory,
      reason: "protocol",
      exitCode: 0,
      stderr: `counts of ${options.pairs.length} pairs were expected; ${output.stderr}`
    })
  }
  return parsed
})

// --- internal ---

/** Each pair is a line `<tree> <tree>`, then `<n>\t<n>\t<path>\0`, or `<n>\t<n>\t\0<old>\0<new>\0` for a renamed file. */
const parseCounts = (bytes: Buffer): ReadonlyArray<ReadonlyArray<LineCount>> | null => {
  const pairs: Array<Array<LineCount>> = []
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.toString("latin1", at, at + headLengthMax)
    const pair = /^[0-9a-f]{40,64} [0-9a-f]{40,64}\n/.exec(head)
    if (pair !== null) {
      pairs.push([])
      at += pair[0].length
      continue
    }
    const counts = /^(\d+|-)\t(\d+|-)\t/.exec(head)
    if (counts === null) return null
    const [first, next] = pathFrom(bytes, at + counts[0].length)
    const [added, removed] = [countOf(counts[1]), countOf(counts[2])]
    if (first.length > 0) {
      pairs.at(-1)?.push({ path: first, oldPath: null, added, removed })
      at = next
      continue
    }
    const [oldPath, afterOld] = pathFrom(bytes, next)
    const [path, afterNew] = pathFrom(bytes, afterOld)
    pairs.at(-1)?.push({ path, oldPath, added, removed })
    at = afterNew
  }
  return pairs
}

/** Two ids of SHA-256, a space and a line feed. */
const headLengthMax = 130

const pathFrom = (bytes: Buffer, at: number): readonly [path: Buffer, next: number] => {
  const end = bytes.indexOf(0, at)
  const stop = end < 0 ? bytes.length : end
  return [bytes.subarray(at, stop), stop + 1]
}

const countOf = (text: string | undefined): number | null =>
  text === undefined || text === "-" ? null : Number(text)
