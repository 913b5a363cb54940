/** What can stand in the way of opening a file store. */
import { dirname } from "node:path"
import * as DateTime from "effect/DateTime"
import * as Schema from "effect/Schema"

/** Who writes into a store: the content of its lock. */
export const LockOwner = Schema.Struct({
  pid: Schema.Int,
  /** When the process started, in clock ticks since the machine did; tells a process from a later one with its number. */
  startTicks: Schema.optional(Schema.Int),
  /** Changes when the machine starts again. */
  bootId: Schema.optional(Schema.String),
  host: Schema.String,
  /** When the lock was taken, in milliseconds since the Unix epoch. */
  at: Schema.Int,
  /** Set when the owner gave the lock back. */
  released: Schema.Boolean
})
export interface LockOwner extends Schema.Schema.Type<typeof LockOwner> {}

/** Another process writes into this store. Reading is possible meanwhile. */
export class StoreLocked extends Schema.TaggedError<StoreLocked>("patchmoi/StoreLocked")("StoreLocked", {
  directory: Schema.String,
  /** The file that holds the lock. */
  file: Schema.String,
  owner: LockOwner
}) {
  override get message() {
    const { pid, host, at } = this.owner
    const since = Number.isSafeInteger(at) && Math.abs(at) <= 8.64e15 ? ` since ${isoTime(at)}` : ""
    return (
      `The store in ${this.directory} has a writer: process ${pid} on ${host}${since}. ` +
      `Stop it or use its address; if ${host} is another machine that is gone for good, remove ${this.file}`
    )
  }
}

/**
 * The log is damaged before facts that were acknowledged. It is not opened, so that nothing is built on a history
 * with a hole.
 */
export class LogDamaged extends Schema.TaggedError<LogDamaged>("patchmoi/LogDamaged")("LogDamaged", {
  /** The damaged segment: `log/<segment>` in the folder of the store. */
  file: Schema.String,
  /** Number of the line, from 1. */
  line: Schema.Int,
  /** Byte offset of the line. */
  offset: Schema.Int,
  reason: Schema.String
}) {
  override get message() {
    const command = repairCommand(dirname(dirname(this.file)))
    return (
      `The log is damaged at ${this.file}:${this.line} (byte ${this.offset}): ${this.reason}. ` +
      `Restore the file from a copy, or run \`${command}\`: it cuts the log there and keeps what it cuts in log/cut`
    )
  }
}

/** The command that cuts the log in this folder where it is damaged, for a shell. */
export const repairCommand = (directory: string): string =>
  `patchmoi log repair --data-dir ${shellWord(directory)}`

// --- internal ---

/** A path as a shell takes it for one word. */
const shellWord = (path: string): string =>
  /^[\w./@%+:,-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`

const isoTime = (at: number): string => DateTime.formatIso(DateTime.unsafeMake(at))
