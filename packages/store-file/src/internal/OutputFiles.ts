/**
 * Output of attempts, in `outputs/<attempt>/<first sequence>.jsonl`.
 *
 * 1. A file is closed when it has {@link outputFileBytesMax}; files that hold only output that is no longer wanted are
 *    removed. So an attempt takes what is wanted of it and at most two files more.
 * 2. Output is not history: it is not synced, and a line that a crash cut in two is left out.
 */
import { createHash } from "node:crypto"
import { OutputStream } from "@patchmoi/core/executor/Executor"
import type { Driver, OutputRecord } from "@patchmoi/core/store/Driver"
import type { MemoryTables } from "@patchmoi/core/store/MemoryTables"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type FileSystemOps, readWhole } from "./fileOps.ts"
import { storing } from "./storing.ts"

/** Bytes after which output goes on in a new file. */
export const outputFileBytesMax = 65_536

/** Attempts of which the last file is remembered; those that were written longest ago are forgotten. */
const attemptsRememberedMax = 256

/** Longest folder name for an attempt, in characters; a longer one ends with a hash. */
const nameLengthMax = 160

interface LastFile {
  readonly path: string
  readonly bytes: number
}

const decodeRecord = Schema.decodeUnknownOption(
  Schema.parseJson(
    Schema.Struct({
      sequence: Schema.Number,
      offset: Schema.Number,
      bytes: Schema.Number,
      stream: OutputStream,
      at: Schema.Number,
      text: Schema.String
    })
  )
)

/** The outputs of a driver, in this folder; `tables` keep the leases that its fences ask for. */
export const makeOutputs = (
  ops: FileSystemOps,
  directory: string,
  tables: MemoryTables
): Driver["outputs"] => {
  const lastFiles = new Map<string, LastFile>()

  const append = (
    attemptId: string,
    records: ReadonlyArray<OutputRecord>,
    drop: { readonly from: number; readonly before: number } | undefined
  ): void => {
    const folder = `${directory}/${folderName(attemptId)}`
    ops.makeDirectory(folder)
    let last = lastFiles.get(attemptId)
    // Known again when everything is written: after a write that broke off, what follows begins another line.
    lastFiles.delete(attemptId)
    for (const group of groupsOf(records, last?.bytes)) {
      const path = group.isNew || last === undefined ? pathOf(folder, group.first) : last.path
      // A file of an earlier process may end in the middle of a line.
      const text = (ops.size(path) ?? 0) > 0 && path !== last?.path ? `\n${group.text}` : group.text
      const bytes = Buffer.from(text)
      appendTo(ops, path, bytes)
      last = { path, bytes: (group.isNew ? 0 : (last?.bytes ?? 0)) + bytes.length }
    }
    if (last !== undefined) lastFiles.set(attemptId, last)
    for (const oldest of lastFiles.keys()) {
      if (lastFiles.size <= attemptsRememberedMax) break
      lastFiles.delete(oldest)
    }
    if (drop !== undefined) removeBetween(ops, folder, drop)
  }

  const read = (attemptId: string, fromSequence: number, limit: number): ReadonlyArray<OutputRecord> => {
    const folder = `${directory}/${folderName(attemptId)}`
    const files = filesIn(ops, folder)
    const found: Array<OutputRecord> = []
    for (const [index, { path }] of files.entries()) {
      if (found.length >= limit) break
      if ((files[index + 1]?.first ?? Number.POSITIVE_INFINITY) <= fromSequence) continue
      const lines = (readWhole(ops, path)?.toString("utf8") ?? "").split("\n")
      for (const record of lines.map((line) => decodeRecord(line))) {
        if (Option.isSome(record) && record.value.sequence >= fromSequence) found.push(record.value)
      }
    }
    return found.slice(0, Math.max(0, limit))
  }

  return {
    append: (attemptId, records, drop, fence) =>
      storing("keep output", () => {
        if (fence !== undefined && !tables.isHeld(attemptId, fence)) return false
        append(attemptId, records, drop)
        return true
      }),
    read: (attemptId, fromSequence, limit) =>
      storing("read output", () => read(attemptId, fromSequence, limit))
  }
}

// --- internal ---

/** A folder name for any attempt id; different ids have different names. */
const folderName = (attemptId: string): string => {
  const name = Array.from(Buffer.from(attemptId), (byte) => {
    const character = String.fromCharCode(byte)
    return /[A-Za-z0-9_-]/.test(character) ? character : `%${byte.toString(16).padStart(2, "0")}`
  }).join("")
  if (name.length > 0 && name.length <= nameLengthMax) return name
  return `${name.slice(0, nameLengthMax)}%${createHash("sha256").update(attemptId).digest("hex")}`
}

const sequenceDigits = 16

const pathOf = (folder: string, first: number): string =>
  `${folder}/${String(first).padStart(sequenceDigits, "0")}.jsonl`

const filesIn = (ops: FileSystemOps, folder: string) =>
  ops
    .list(folder)
    .map((name) => ({ path: `${folder}/${name}`, first: Number(name.slice(0, sequenceDigits)) }))

/** The records as text, in the files that they go to: the last one while it has room, then new ones. */
const groupsOf = (records: ReadonlyArray<OutputRecord>, bytesBefore: number | undefined) => {
  const groups: Array<{ readonly first: number; readonly isNew: boolean; text: string }> = []
  let bytes = bytesBefore ?? outputFileBytesMax
  for (const record of records) {
    const current = groups.at(-1)
    const line = `${JSON.stringify(record)}\n`
    if (bytes >= outputFileBytesMax) {
      groups.push({ first: record.sequence, isNew: true, text: line })
      bytes = 0
    } else if (current === undefined) {
      groups.push({ first: record.sequence, isNew: false, text: line })
    } else current.text += line
    bytes += Buffer.byteLength(line)
  }
  return groups
}

const appendTo = (ops: FileSystemOps, path: string, bytes: Uint8Array): void => {
  const file = ops.open(path, "a")
  try {
    ops.write(file, bytes)
  } finally {
    ops.close(file)
  }
}

/** Removes the files whose every record is in the gap; the last one may still grow and stays. */
const removeBetween = (
  ops: FileSystemOps,
  folder: string,
  { from, before }: { readonly from: number; readonly before: number }
): void => {
  const files = filesIn(ops, folder)
  for (const [index, { path, first }] of files.entries()) {
    const next = files[index + 1]?.first
    if (next !== undefined && first >= from && next <= before) ops.remove(path)
  }
}
