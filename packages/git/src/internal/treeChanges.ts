/** What differs between trees, path by path. Renames are a path less and a path more. */
import * as Effect from "effect/Effect"
import type { Repository } from "../Repository.ts"
import { diffTreePairs, type TreePair } from "./diffTreePairs.ts"

/** One version of a path. */
export interface TreeChangeSide {
  readonly mode: string
  readonly id: string
}

/** One path that differs. */
export interface TreeChange {
  /** From the top of the tree; bytes, because a path need not be UTF-8. */
  readonly path: Buffer
  /** `null` when the path is new. */
  readonly from: TreeChangeSide | null
  /** `null` when the path is gone. */
  readonly to: TreeChangeSide | null
}

/** The changes of each pair, in the order of the pairs; paths in the order of git. `GitError` when a tree is missing. */
export const readTreeChanges = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly pairs: ReadonlyArray<TreePair>
}) {
  return yield* diffTreePairs({
    ...options,
    args: ["--raw", "--no-abbrev", "--no-renames"],
    parse: parseChanges
  })
})

// --- internal ---

/** Each pair is a line `<tree> <tree>`, then records `:<mode> <mode> <id> <id> <letter>\0<path>\0`. */
const parseChanges = (bytes: Buffer): ReadonlyArray<ReadonlyArray<TreeChange>> | null => {
  const pairs: Array<Array<TreeChange>> = []
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== colon) {
      const lineEnd = bytes.indexOf(10, at)
      if (lineEnd < 0) return null
      pairs.push([])
      at = lineEnd + 1
      continue
    }
    const headEnd = bytes.indexOf(0, at)
    const pathEnd = bytes.indexOf(0, headEnd + 1)
    const head = /^:(\d{6}) (\d{6}) ([0-9a-f]{40,64}) ([0-9a-f]{40,64}) [A-Z]$/.exec(
      bytes.toString("latin1", at, Math.max(headEnd, at))
    )
    if (head === null || pathEnd < 0) return null
    const [, fromMode = "", toMode = "", fromId = "", toId = ""] = head
    pairs.at(-1)?.push({
      path: bytes.subarray(headEnd + 1, pathEnd),
      from: fromMode === absentMode ? null : { mode: fromMode, id: fromId },
      to: toMode === absentMode ? null : { mode: toMode, id: toId }
    })
    at = pathEnd + 1
  }
  return pairs
}

const colon = 58
const absentMode = "000000"
