/** Goes through the segments of a log, in order, and finds where the whole commits end. */
import { LogDamaged } from "../FileStoreErrors.ts"
import type { FileSystemOps } from "./fileOps.ts"
import { segmentFirst } from "./layout.ts"
import { type Flaw, holdsAcknowledged, type ScannedCommit, type ScanStart, scanCommits } from "./scan.ts"

/** A segment as it was found. */
export interface SegmentFile {
  readonly path: string
  readonly name: string
  /** The position of its first fact. */
  readonly first: number
}

/** How far the log is whole. */
export interface LogScan {
  readonly segments: ReadonlyArray<SegmentFile>
  /** The position of the last fact of the last whole commit. */
  readonly head: number
  /** The segment in which the whole commits end; absent when there is no segment. */
  readonly last: SegmentFile | undefined
  /** The byte after the last whole commit in that segment. */
  readonly end: number
  /** Lines up to there. */
  readonly lines: number
  /** Bytes of that segment. */
  readonly size: number
  readonly flaw: Flaw | undefined
  /** Whether facts that were acknowledged lie behind the flaw. */
  readonly damaged: boolean
}

/** What to do with what the scan finds. */
export interface LogVisitor {
  readonly onSegment?: (segment: SegmentFile) => void
  readonly onCommit?: (commit: ScannedCommit) => void
}

/** The segments in a folder, in the order of their positions. */
export const listSegments = (ops: FileSystemOps, directory: string): ReadonlyArray<SegmentFile> =>
  ops.list(directory).flatMap((name) => {
    const first = segmentFirst(name)
    return first === undefined ? [] : [{ path: `${directory}/${name}`, name, first }]
  })

/** How far a log is known: up to the commit that ended here, in the segment whose first fact has this position. */
export interface KnownLog extends ScanStart {
  readonly first: number
}

/** Reads every segment up to the first flaw; of a log that is known up to some commit, only what follows it. */
export const scanLog = (
  ops: FileSystemOps,
  directory: string,
  visitor: LogVisitor = {},
  known?: KnownLog
): LogScan => {
  const segments = listSegments(ops, directory)
  const resumed = known === undefined ? 0 : segments.findIndex(({ first }) => first === known.first)
  let head = known?.head ?? 0
  for (const [at, segment] of segments.entries()) {
    if (at < resumed) continue
    const isLast = at === segments.length - 1
    const from = known !== undefined && at === resumed ? known : { end: 0, lines: 0, head }
    if (known === undefined || at > resumed) {
      if (segment.first !== head + 1) return misnamed(segments, segment, head)
      visitor.onSegment?.(segment)
    }
    const bytes = readFrom(ops, segment.path, from.end)
    const scan = scanCommits(bytes, from, visitor.onCommit ?? ignore)
    const { end, lines, flaw } = scan
    head = scan.head
    const result = { segments, head, last: segment, end, lines, size: from.end + bytes.length }
    if (flaw !== undefined) {
      return { ...result, flaw, damaged: !isLast || holdsAcknowledged(bytes.subarray(end - from.end), head) }
    }
    if (isLast) return { ...result, flaw: undefined, damaged: false }
  }
  return { segments, head, last: undefined, end: 0, lines: 0, size: 0, flaw: undefined, damaged: false }
}

/** The error of a log with damage; undefined for one that is whole or has a torn tail. */
export const damageOf = ({ last, flaw, damaged }: LogScan): LogDamaged | undefined =>
  flaw !== undefined && damaged && last !== undefined
    ? new LogDamaged({ file: last.path, line: flaw.line, offset: flaw.offset, reason: flaw.reason })
    : undefined

// --- internal ---

const ignore = (): void => undefined

const readFrom = (ops: FileSystemOps, path: string, offset: number): Buffer => {
  const size = ops.size(path) ?? 0
  return size <= offset ? Buffer.alloc(0) : ops.read(path, offset, size - offset)
}

/** A segment whose name does not follow on: one before it is missing, or is shorter than it was. */
const misnamed = (segments: ReadonlyArray<SegmentFile>, segment: SegmentFile, head: number): LogScan => ({
  segments,
  head,
  last: segment,
  end: 0,
  lines: 0,
  size: 0,
  flaw: {
    offset: 0,
    line: 1,
    reason: `the file begins at position ${segment.first}, and the log before it ends at ${head}`
  },
  damaged: true
})
