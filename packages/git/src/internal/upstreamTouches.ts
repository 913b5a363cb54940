/**
 * Which upstream commits are behind a conflict: those that touched the lines that the patch changes as well.
 *
 * The lines are found by two diffs from the version that the patch was written against, one to the patch's version and one
 * to upstream's; where they meet, `git log -L` follows the lines back. All of it is bounded in time and in number: what is
 * not found in time is said to be missing, and a conflict never waits for long.
 */
import * as Effect from "effect/Effect"
import { Git, linesOf, textOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { type ConflictFile, touchesMax, type UpstreamTouch } from "../patch/Conflict.ts"
import type { Repository } from "../Repository.ts"
import { pinnedConfig } from "./diffs.ts"

/** Files per conflict whose history is looked at. */
const filesMax = 10

/** Ranges of lines per file that are followed. */
const rangesMax = 10

/** Longest look at one file's history. */
const lookTime = "3 seconds"

/** What is known about one file. */
export type FoundTouches = Pick<ConflictFile, "touchedBy" | "touchedByComplete">

/** Nobody looked, or not to the end. */
export const untold: FoundTouches = { touchedBy: [], touchedByComplete: false }

export interface UpstreamTouchesOptions {
  readonly repository: Repository
  /** The commit that the patch's commit stands on. */
  readonly base: string
  readonly onto: ObjectId
  readonly files: ReadonlyArray<ConflictFile>
}

/** The commits for each file, in the order of the files. Never fails: what git cannot tell is left out and said. */
export const findUpstreamTouches = Effect.fnUntraced(function* (options: UpstreamTouchesOptions) {
  let looks = 0
  return yield* Effect.forEach(
    options.files,
    (file) => {
      const kind = file.kind === "content" || file.kind === "modify/delete"
      if (!kind || file.pathBase64 !== null || file.base === null) return Effect.succeed(nothing)
      looks += 1
      if (looks > filesMax) return Effect.succeed(untold)
      return lookAt(options, file, file.base.oid).pipe(
        Effect.timeoutTo({ duration: lookTime, onTimeout: () => untold, onSuccess: (found) => found }),
        Effect.catchTag("GitError", () => Effect.succeed(untold))
      )
    },
    { concurrency: 2 }
  )
})

// --- internal ---

const nothing: FoundTouches = { touchedBy: [], touchedByComplete: true }

const lookAt = (options: UpstreamTouchesOptions, file: ConflictFile, base: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const cwd = options.repository.directory
    const range = `${options.base}..${options.onto}`
    const log = (args: ReadonlyArray<string>) =>
      git.run({
        args: [...pinnedConfig, "log", "--no-color", `--max-count=${touchesMax + 1}`, ...args],
        cwd,
        timeout: lookTime
      })
    const upstream = yield* git.run({
      args: ["rev-parse", "--verify", "--quiet", "--end-of-options", `${options.onto}:${file.path}`],
      cwd,
      okExitCodes: [0, 1, 128]
    })
    const blob = textOf(upstream.stdout).trim()
    if (upstream.exitCode !== 0 || !isObjectId(blob) || file.theirs === null) {
      // One side has no lines to compare: whatever happened to the file is what matters.
      const found = yield* log(["-s", format, range, "--", `:(top,literal)${file.path}`])
      return touchesOf(textOf(found.stdout))
    }
    const theirs = yield* hunksBetween(cwd, base, file.theirs.oid)
    const ours = yield* hunksBetween(cwd, base, blob)
    const ranges = meetingRanges(ours, theirs)
    if (ranges.length === 0) return nothing
    const lines = ranges.slice(0, rangesMax).map(({ from, to }) => `-L${from},${to}:${file.path}`)
    const found = touchesOf(textOf((yield* log(["-s", format, ...lines, range])).stdout))
    return ranges.length > rangesMax ? { ...found, touchedByComplete: false } : found
  })

/** The fields of a commit, NUL between them and after them. */
const format = "--format=%H%x00%an%x00%aI%x00%s%x00"

const touchesOf = (output: string): FoundTouches => {
  const fields = output.split("\0")
  const touches: Array<UpstreamTouch> = []
  for (let at = 0; at + 3 < fields.length; at += 4) {
    const [commit = "", author = "", date = "", subject = ""] = fields
      .slice(at, at + 4)
      .map((it) => it.trim())
    if (isObjectId(commit)) {
      touches.push({ commit, author: author.slice(0, 100), date, subject: subject.slice(0, 200) })
    }
  }
  return { touchedBy: touches.slice(0, touchesMax), touchedByComplete: touches.length <= touchesMax }
}

/** A change between two versions: lines of the old one, and lines of the new one. Counted from 1; an end is inclusive. */
interface Hunk {
  readonly old: Range
  readonly new: Range
}

interface Range {
  readonly from: number
  readonly to: number
}

const plainOptions = ["--no-color", "--no-ext-diff", "--no-textconv"]

const hunksBetween = (cwd: string, before: ObjectId, after: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: [...pinnedConfig, "diff", "--unified=0", ...plainOptions, before, after],
      cwd,
      timeout: lookTime
    })
    return linesOf(output.stdout).flatMap((line): ReadonlyArray<Hunk> => {
      const match = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line)
      if (match === null) return []
      return [{ old: rangeOf(match[1], match[2]), new: rangeOf(match[3], match[4]) }]
    })
  })

/** The lines of a side. A side without lines stands between two: the line before it and the one after it. */
const rangeOf = (start: string | undefined, count: string | undefined): Range => {
  const from = Number(start)
  const lines = Number(count ?? "1")
  return lines === 0 ? { from: Math.max(1, from), to: from + 1 } : { from, to: from + lines - 1 }
}

/** Upstream's lines, where both change the same or neighbouring lines of the version between them. */
const meetingRanges = (ours: ReadonlyArray<Hunk>, theirs: ReadonlyArray<Hunk>): ReadonlyArray<Range> =>
  ours
    .filter((our) =>
      theirs.some((their) => our.old.from <= their.old.to + 1 && their.old.from <= our.old.to + 1)
    )
    .map((hunk) => hunk.new)
