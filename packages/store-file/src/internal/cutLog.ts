/**
 * Cuts a log after its last whole commit. What is cut is kept in `log/cut` and is durable there before the log
 * gets shorter, so that a crash at any point loses nothing: cutting again finds the same flaw, or none.
 */
import { type FileSystemOps, makeDurableDirectory, replaceFile } from "./fileOps.ts"
import { layout } from "./layout.ts"
import type { LogScan, SegmentFile } from "./segments.ts"

/** What was cut off, and why. */
export interface Cut {
  readonly file: string
  /** Number of the first line that was not good, from 1. */
  readonly line: number
  /** Byte offset at which the file ends now. */
  readonly offset: number
  readonly reason: string
  /** Bytes that were cut off, in all files. */
  readonly bytes: number
  /** Where they are kept, in the order of the log. */
  readonly copies: ReadonlyArray<string>
}

/** Cuts at the flaw of this scan; nothing to do when it has none. */
export const cutLog = (ops: FileSystemOps, directory: string, scan: LogScan): Cut | undefined => {
  const { last, flaw, end, size, head, segments } = scan
  if (last === undefined || flaw === undefined) return undefined
  const { log, cut } = layout(directory)
  makeDurableDirectory(ops, cut)
  const whole = segments.slice(segments.indexOf(last) + (last.first === head + 1 || end > 0 ? 1 : 0))
  const copies: Array<string> = []
  let bytes = 0
  // The newest segment goes first: what is left is a log with the same flaw at every moment.
  for (const segment of whole.toReversed()) {
    bytes += ops.size(segment.path) ?? 0
    copies.unshift(moveSegment(ops, cut, segment))
  }
  ops.syncDirectory(cut)
  ops.syncDirectory(log)
  if (!whole.includes(last)) {
    copies.unshift(copyTail(ops, cut, last, end, size))
    bytes += size - end
    ops.truncate(last.path, end)
    syncPath(ops, last.path)
  }
  return { file: last.path, line: flaw.line, offset: end, reason: flaw.reason, bytes, copies }
}

/** Makes the content of a file durable. */
export const syncPath = (ops: FileSystemOps, path: string): void => {
  const file = ops.open(path, "a")
  try {
    ops.sync(file)
  } finally {
    ops.close(file)
  }
}

// --- internal ---

/** How often one place may have been cut before; each time leaves a copy of its own. */
const copiesMax = 10_000

const moveSegment = (ops: FileSystemOps, cut: string, segment: SegmentFile): string => {
  const name = freeName(ops, cut, segment.name.replace(/\.jsonl$/, ""))
  ops.rename(segment.path, `${cut}/${name}`)
  return `${cut}/${name}`
}

const copyTail = (
  ops: FileSystemOps,
  cut: string,
  segment: SegmentFile,
  end: number,
  size: number
): string => {
  const name = freeName(ops, cut, `${segment.name.replace(/\.jsonl$/, "")}-at-${end}`)
  replaceFile(ops, cut, name, ops.read(segment.path, end, size - end))
  return `${cut}/${name}`
}

const freeName = (ops: FileSystemOps, directory: string, base: string): string => {
  for (let number = 1; number <= copiesMax; number++) {
    const name = number === 1 ? `${base}.jsonl` : `${base}-${number}.jsonl`
    if (ops.size(`${directory}/${name}`) === undefined) return name
  }
  throw new Error(`${directory} holds ${copiesMax} copies of ${base}; move them away`)
}
