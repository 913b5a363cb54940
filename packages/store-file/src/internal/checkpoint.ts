/**
 * How far each readable file has come: `projections.json`. It is written after the file that it speaks of, so a file
 * may be longer than it says; what is too much is cut and written again.
 */
import { crc32 } from "node:zlib"
import type { LogRow } from "@patchmoi/core/store/Log"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type FileSystemOps, readWhole, replaceFile } from "./fileOps.ts"

/** How far one file has come. */
const Progress = Schema.Struct({
  /** The file shows the facts up to this position. */
  position: Schema.Int,
  /** {@link rowMark} of the fact there: a log that was cut and grew again is not taken for this one. */
  mark: Schema.Int,
  /** The length of the file. */
  bytes: Schema.Int
})
export interface Progress extends Schema.Schema.Type<typeof Progress> {}

/** A file that shows nothing yet. */
export const noProgress: Progress = { position: 0, mark: 0, bytes: 0 }

/** File name → progress. */
export type Checkpoint = Readonly<Record<string, Progress>>

const fileName = "projections.json"

const decode = Schema.decodeUnknownOption(
  Schema.parseJson(Schema.Record({ key: Schema.String, value: Progress }))
)

/** Tells facts apart that lie at the same position of different logs. */
export const rowMark = (row: LogRow | undefined): number =>
  row === undefined ? 0 : crc32(JSON.stringify([row.stream, row.version, row.at, row.type, row.data]))

/** The checkpoint of a store; empty when there is none or it cannot be read, and the files are then made anew. */
export const readCheckpoint = (ops: FileSystemOps, directory: string): Checkpoint =>
  Option.getOrElse(
    decode(readWhole(ops, `${directory}/${fileName}`)?.toString("utf8") ?? ""),
    (): Checkpoint => ({})
  )

export const writeCheckpoint = (ops: FileSystemOps, directory: string, checkpoint: Checkpoint): void =>
  replaceFile(ops, directory, fileName, `${JSON.stringify(checkpoint, undefined, 2)}\n`)
