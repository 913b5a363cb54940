/** All about one patch: its contract, its commits, its files with counts, and its diff as far as a limit goes. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ContractIssue } from "../contract/ContractIssue.ts"
import { inspectContracts, PatchContract } from "../contract/PatchContract.ts"
import { Git } from "../Git.ts"
import { ObjectId } from "../GitName.ts"
import { pinnedConfig, wholeDiff } from "../internal/diffs.ts"
import { readLineCounts } from "../internal/lineCounts.ts"
import { type CommitObject, subjectOf } from "../internal/objectFormat.ts"
import { readCommits } from "../internal/readCommits.ts"
import { readTreeChanges } from "../internal/treeChanges.ts"
import type { Repository } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { findPatch, planStack, readStack } from "./Stack.ts"

/** Files that are listed. The rest is counted. */
export const detailFilesMax = 1_000

/** Bytes of the diff unless the caller says otherwise: 64 KiB. */
export const diffBytesMaxDefault = 64 * 1024

/** One file of a patch. Bytes of paths that are no UTF-8 are replaced. */
export const DetailFile = Schema.Struct({
  path: Schema.String,
  oldPath: Schema.NullOr(Schema.String),
  change: Schema.Literal("added", "modified", "deleted", "renamed"),
  /** Lines; `null` for a binary file. */
  added: Schema.NullOr(Schema.Int),
  removed: Schema.NullOr(Schema.Int)
})
export type DetailFile = typeof DetailFile.Type

/** All about one patch, as `readPatch` gives it. Files and diff are cut at their limits, and then say so. */
export const PatchDetail = Schema.Struct({
  patch: Schema.String,
  tip: ObjectId,
  /** The commit that the patch stands on. */
  base: ObjectId,
  /** Its own commits, oldest first. */
  commits: Schema.Array(
    Schema.Struct({
      commit: ObjectId,
      subject: Schema.String,
      /** Name and address. */
      author: Schema.String,
      /** When it was authored, in seconds since 1970. */
      authoredSeconds: Schema.Int
    })
  ),
  contract: PatchContract,
  /** What is wrong with the contract. */
  issues: Schema.Array(ContractIssue),
  /** At most `detailFilesMax`. */
  files: Schema.Array(DetailFile),
  /** Files beyond those. Their lines are counted below. */
  filesOmitted: Schema.Int,
  /** Lines of all files. */
  added: Schema.Int,
  removed: Schema.Int,
  /** The whole change as a unified diff. Bytes that are no UTF-8 are replaced. */
  diff: Schema.String,
  /** True when the diff goes on. */
  diffTruncated: Schema.Boolean
})
export type PatchDetail = typeof PatchDetail.Type

/** Reads the patch. Errors: `PatchNotFound`, `UpstreamUnknown`, `UnreadableCommit`, those of `planPatches`, `GitError`. */
export const readPatch = Effect.fn("PatchDetail.read")(function* (options: {
  readonly repository: Repository
  readonly topology: Topology
  /** The name, with or without the prefix. */
  readonly patch: string
  /** (Default: 64 KiB.) */
  readonly diffBytesMax?: number
}) {
  const stack = yield* readStack(options)
  const { repository } = stack
  const planned = yield* planStack(stack)
  const patch = yield* findPatch(planned, stack.prefix, options.patch)
  const { contracts, issues } = yield* inspectContracts({ repository, patches: planned })
  const commits = yield* readCommits(repository, patch.commits)
  const [base, tip] = yield* readCommits(repository, [patch.base, patch.tip])
  const pair = { from: base?.tree ?? patch.base, to: tip?.tree ?? patch.tip }
  const files = yield* readFiles(repository, pair)
  const limit = options.diffBytesMax ?? diffBytesMaxDefault
  const detail: PatchDetail = {
    patch: patch.name,
    tip: patch.tip,
    base: patch.base,
    commits: patch.commits.map((commit, at) => ({ commit, ...authored(commits[at]) })),
    contract: contracts.get(patch.name) ?? { scope: [], checks: [] },
    issues: issues.filter((issue) => issue.patch === patch.name),
    files: files.slice(0, detailFilesMax),
    filesOmitted: Math.max(0, files.length - detailFilesMax),
    added: sumOf(files.map(({ added }) => added)),
    removed: sumOf(files.map(({ removed }) => removed)),
    ...(yield* readDiff({ repository, ...pair, limit }))
  }
  return detail
})

// --- internal ---

const authored = (commit: CommitObject | undefined) => {
  const found = /^(.*) (-?\d+) [+-]\d{4}$/s.exec(commit?.author.toString("utf8") ?? "")
  return {
    subject: commit === undefined ? "" : subjectOf(commit),
    author: found?.[1] ?? "",
    authoredSeconds: Number(found?.[2] ?? 0)
  }
}

interface Pair {
  readonly from: ObjectId
  readonly to: ObjectId
}

const readFiles = (repository: Repository, pair: Pair) =>
  Effect.gen(function* () {
    const [counts = []] = yield* readLineCounts({ repository, pairs: [pair] })
    const [changes = []] = yield* readTreeChanges({ repository, pairs: [pair] })
    const known = new Map(changes.map((change) => [change.path.toString("latin1"), change]))
    return counts.map(({ path, oldPath, added, removed }): DetailFile => {
      const change = known.get(path.toString("latin1"))
      const kind = change?.from === null ? "added" : change?.to === null ? "deleted" : "modified"
      return {
        path: path.toString("utf8"),
        oldPath: oldPath?.toString("utf8") ?? null,
        change: oldPath === null ? kind : "renamed",
        added,
        removed
      }
    })
  })

const sumOf = (counts: ReadonlyArray<number | null>): number =>
  counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)

const diffOptions = ["-r", "-p", "-M", "--no-ext-diff", "--no-textconv", "--no-color", wholeDiff]

/** Reads the diff until the limit, and then ends git: a diff may be far longer than anybody reads. */
const readDiff = ({
  repository,
  from,
  to,
  limit
}: Pair & { readonly repository: Repository; readonly limit: number }) =>
  Effect.scoped(
    Effect.gen(function* () {
      const git = yield* Git
      const process = yield* git.open({
        args: [...pinnedConfig, "diff-tree", ...diffOptions, from, to],
        cwd: repository.directory
      })
      const pieces: Array<Uint8Array> = []
      let length = 0
      while (length <= limit) {
        const piece = yield* process.read
        if (piece.byteLength === 0) break
        pieces.push(piece)
        length += piece.byteLength
      }
      const bytes = Buffer.concat(pieces)
      return { diff: bytes.subarray(0, limit).toString("utf8"), diffTruncated: bytes.length > limit }
    })
  )
