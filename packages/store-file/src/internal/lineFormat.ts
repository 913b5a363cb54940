/**
 * One fact as one line:
 *
 *     {"position":7,"stream":"run/r1","version":2,"at":1760000000000,"type":"RunEnded","batch":{"facts":3,"after":4},"data":{…},"crc":"0a1b2c3d"}
 *
 * 1. A line is JSON and ends with a newline. The keys stand in this order; `data` holds the fields of the fact.
 * 2. `crc` is the CRC-32 of every byte of the line before `,"crc"`, as eight hexadecimal digits.
 * 3. The facts of one commit are consecutive lines. Only the last one has `batch`: how many facts the commit has,
 *    and `after`, the position up to which everything was on the disk when this line was written. A commit whose
 *    last line is missing was never acknowledged.
 */
import { crc32 } from "node:zlib"
import type { EncodedFact, LogRow } from "@patchmoi/core/store/Log"

/** The end mark of a commit. */
export interface BatchEnd {
  readonly facts: number
  /** Every fact up to this position was durable before the commit was written. */
  readonly after: number
}

/** A line that was read. */
export interface DecodedLine {
  readonly row: LogRow
  readonly end: BatchEnd | undefined
}

/** The newline at the end of each line. */
export const newline = 0x0a

/** What each line begins with. Inside the strings of a line its quotes are escaped. */
export const lineStart = `{"position":`

/** Writes a fact as a line. */
export const encodeLine = (fact: EncodedFact, position: number, end: BatchEnd | undefined): Buffer => {
  // Outside of strings JSON knows line breaks only as white space, so a space means the same.
  const data = fact.data.includes("\n") ? fact.data.replaceAll("\n", " ") : fact.data
  const mark = end === undefined ? "" : `"batch":{"facts":${end.facts},"after":${end.after}},`
  const body =
    `${lineStart}${position},"stream":${JSON.stringify(fact.stream)},"version":${fact.version}` +
    `,"at":${fact.at},"type":${JSON.stringify(fact.type)},${mark}"data":${data}`
  return Buffer.from(`${body}${crcKey}${hex(crc32(body))}"}\n`)
}

/** Reads a line, without its newline; a string says why it is none. */
export const decodeLine = (line: Buffer): DecodedLine | string => {
  const bodyBytes = line.length - crcBytes
  const crc = crcPattern.exec(line.toString("latin1", Math.max(0, bodyBytes)))?.[1]
  if (bodyBytes <= 0 || crc === undefined) return "this is no line of a log"
  if (crc !== hex(crc32(line.subarray(0, bodyBytes)))) return "the checksum does not match"
  const body = line.toString("utf8", 0, bodyBytes)
  // A quote inside a JSON string is escaped, so the first match is the key itself.
  const dataAt = body.indexOf(dataKey)
  const head = parseHead(body.slice(0, Math.max(0, dataAt)))
  return head === undefined
    ? "the fields of the line are not those of a log"
    : { row: { ...head.row, data: body.slice(dataAt + dataKey.length) }, end: head.end }
}

// --- internal ---

const dataKey = `,"data":`
const crcKey = `,"crc":"`
/** Bytes of `,"crc":"01234567"}`. */
const crcBytes = crcKey.length + 8 + 2

const crcPattern = /^,"crc":"([0-9a-f]{8})"\}$/

const hex = (crc: number): string => crc.toString(16).padStart(8, "0")

const parseHead = (
  text: string
): { readonly row: Omit<LogRow, "data">; readonly end: BatchEnd | undefined } | undefined => {
  const head = parseObject(`${text}}`)
  const { position, stream, version, at, type, batch } = head
  if (
    typeof position !== "number" ||
    typeof stream !== "string" ||
    typeof version !== "number" ||
    typeof at !== "number" ||
    typeof type !== "string"
  ) {
    return undefined
  }
  return { row: { position, stream, version, at, type }, end: batchEnd(batch) }
}

const batchEnd = (batch: unknown): BatchEnd | undefined =>
  typeof batch === "object" &&
  batch !== null &&
  "facts" in batch &&
  typeof batch.facts === "number" &&
  "after" in batch &&
  typeof batch.after === "number"
    ? { facts: batch.facts, after: batch.after }
    : undefined

const parseObject = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}
