/** What differs between trees, path by path, for many pairs of trees by one `git diff-tree`. Renames are a path less and a path more. */
import * as Effect from "effect/Effect"
import { Git, GitError } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"

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

/** Two trees. */
export interface TreePair {
  readonly from: ObjectId
  readonly to: ObjectId
}

/** Bytes of paths and ids that are read for all pairs together. */
const changesBytesMax = 256 * 1024 * 1024

/** The changes of each pair, in the order of the pairs; paths in the order of git. `GitError` when a tree is missing. */
export const readTreeChanges = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly pairs: ReadonlyArray<TreePair>
}) {
  if (options.pairs.length === 0) return []
  const git = yield* Git
  const args = ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-abbrev", "--no-renames"]
  const output = yield* git.run({
    args,
    cwd: options.repository.directory,
    stdin: options.pairs.map(({ from, to }) => `${from} ${to}\n`).join(""),
    outputBytesMax: changesBytesMax
  })
  const bytes = Buffer.from(output.stdout.buffer, output.stdout.byteOffset, output.stdout.byteLength)
  const parsed = parseChanges(bytes)
  if (parsed === null || parsed.length !== options.pairs.length) {
    return yield* new GitError({
      args,
      cwd: options.repository.directory,
      reason: "protocol",
      exitCode: 0,
      stderr: `changes of ${options.pairs.length} pairs were expected; ${output.stderr}`
    })
  }
  return parsed
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
