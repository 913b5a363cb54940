/** Output of attempts, one row for each piece. What is dropped is gone at once. Synchronous. */
import type { OutputRecord } from "@patchmoi/core/store/Driver"
import type { Connection } from "./Connection.ts"
import { fromText, toText } from "./text.ts"

export class Outputs {
  readonly #insert
  readonly #drop
  readonly #select

  constructor(connection: Connection) {
    this.#insert = connection.prepare(
      "INSERT OR REPLACE INTO outputs (attempt, sequence, offset, bytes, stream, at, text) VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    this.#drop = connection.prepare(
      "DELETE FROM outputs WHERE attempt = ? AND sequence >= ? AND sequence < ?"
    )
    this.#select = connection.prepare(
      `SELECT sequence, offset, bytes, stream, at, text FROM outputs
WHERE attempt = ? AND sequence >= ? ORDER BY sequence LIMIT ?`
    )
  }

  append(
    attemptId: string,
    records: ReadonlyArray<OutputRecord>,
    drop: { readonly from: number; readonly before: number } | undefined
  ): void {
    const attempt = toText(attemptId)
    for (const { sequence, offset, bytes, stream, at, text } of records) {
      this.#insert.run(attempt, sequence, offset, bytes, stream, at, toText(text))
    }
    if (drop !== undefined) this.#drop.run(attempt, drop.from, drop.before)
  }

  /** Takes all output of an attempt out. */
  remove(attemptId: string): void {
    this.#drop.run(toText(attemptId), 0, Number.MAX_SAFE_INTEGER)
  }

  read(attemptId: string, fromSequence: number, limit: number): ReadonlyArray<OutputRecord> {
    return this.#select
      .values(toText(attemptId), fromSequence, Math.max(0, limit))
      .map(([sequence, offset, bytes, stream, at, text]) => ({
        sequence: Number(sequence),
        offset: Number(offset),
        bytes: Number(bytes),
        stream: stream === "stderr" ? "stderr" : "stdout",
        at: Number(at),
        text: fromText(String(text))
      }))
  }
}
