/** Lines that differ between trees, file by file. A renamed file is one file. */
import * as Effect from "effect/Effect"
import type { Repository } from "../Repository.ts"
import { diffTreePairs, type TreePair } from "./diffTreePairs.ts"

/** One file that differs. */
export interface LineCount {
  readonly path: Buffer
  /** The path before, when the file was renamed. */
  readonly oldPath: Buffer | null
  /** Lines; `null` for a binary file. */
  readonly added: number | null
  readonly removed: number | null
}

/** The files of each pair, in the order of the pairs. `GitError` when a tree or a blob is missing. */
export const readLineCounts = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly pairs: ReadonlyArray<TreePair>
}) {
  const args = ["--numstat", "-M", "--no-ext-diff", "--no-textconv"]
  return yield* diffTreePairs({ ...options, args, parse: parseCounts })
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
