/**
 * Reads the bytes of a segment commit by commit, and judges what is wrong with the rest.
 *
 * 1. Only whole commits come out, in position order without a gap.
 * 2. What follows the last whole commit is a *torn tail* when nothing in it can have been acknowledged, and
 *    *damage* otherwise. The `after` of an intact line further on tells: everything up to it was durable.
 */
import type { LogRow } from "@patchmoi/core/store/Log"
import { decodeLine, lineStart, newline } from "./lineFormat.ts"

/** A whole commit. */
export interface ScannedCommit {
  readonly rows: ReadonlyArray<LogRow>
  /** Byte offset of each row in its segment. */
  readonly offsets: ReadonlyArray<number>
  /** The byte after the commit in its segment. */
  readonly end: number
}

/** What is wrong, and where. */
export interface Flaw {
  /** Byte offset of the line. */
  readonly offset: number
  /** Number of the line in its file, from 1. */
  readonly line: number
  readonly reason: string
}

/** How far a scan came. */
export interface Scan {
  /** The byte after the last whole commit. */
  readonly end: number
  /** Lines up to there. */
  readonly lines: number
  /** The position of the last fact of the last whole commit. */
  readonly head: number
  /** Absent when the bytes end with a whole commit. */
  readonly flaw: Flaw | undefined
}

/** Where a scan begins. */
export interface ScanStart {
  /** Offset of the first of the bytes in its file. */
  readonly end: number
  readonly lines: number
  readonly head: number
}

/** Scans bytes that begin after the commit that ended at `head`. */
export const scanCommits = (
  bytes: Buffer,
  start: ScanStart,
  onCommit: (commit: ScannedCommit) => void
): Scan => {
  let { end, lines, head } = start
  let rows: Array<LogRow> = []
  let offsets: Array<number> = []
  let offset = 0
  const flawed = (reason: string): Scan => ({
    end,
    lines,
    head,
    flaw: { offset: start.end + offset, line: lines + rows.length + 1, reason }
  })
  while (offset < bytes.length) {
    const lineEnd = bytes.indexOf(newline, offset)
    if (lineEnd < 0) return flawed("the line has no end")
    const line = decodeLine(bytes.subarray(offset, lineEnd))
    if (typeof line === "string") return flawed(line)
    const expected = head + rows.length + 1
    if (line.row.position !== expected) {
      return flawed(`position ${line.row.position} where ${expected} was expected`)
    }
    rows.push(line.row)
    offsets.push(start.end + offset)
    offset = lineEnd + 1
    if (line.end === undefined) continue
    if (line.end.facts !== rows.length) {
      return flawed(`a commit of ${line.end.facts} facts has ${rows.length}`)
    }
    end = start.end + offset
    onCommit({ rows, offsets, end })
    lines += rows.length
    head += rows.length
    rows = []
    offsets = []
  }
  return rows.length > 0 ? flawed("the commit has no end") : { end, lines, head, flaw: undefined }
}

/**
 * Whether an intact line in these bytes says that facts after `head` were durable before it. Lines are looked for by
 * how they begin, as the newline before one may be what is hurt.
 */
export const holdsAcknowledged = (bytes: Buffer, head: number): boolean => {
  for (let offset = bytes.indexOf(lineStart); offset >= 0; offset = bytes.indexOf(lineStart, offset + 1)) {
    const lineEnd = bytes.indexOf(newline, offset)
    if (lineEnd < 0) return false
    const line = decodeLine(bytes.subarray(offset, lineEnd))
    if (typeof line !== "string" && line.end !== undefined && line.end.after > head) return true
  }
  return false
}
