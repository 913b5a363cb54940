/**
 * The log: what was written, in the order in which it became true.
 *
 * 1. Positions are 1, 2, 3 … over the whole log; versions are 1, 2, 3 … in a stream. Neither has a gap.
 * 2. A row is never changed. A fact type that this code does not know is kept and shown as {@link UnknownFact}.
 */
import * as Schema from "effect/Schema"

/** A fact as a driver keeps it: strings and numbers, nothing of the domain. */
export interface EncodedFact {
  readonly stream: string
  /** Version in the stream, from 1. */
  readonly version: number
  /** When it was decided, in milliseconds since the Unix epoch. */
  readonly at: number
  /** The name of the fact. */
  readonly type: string
  /** The fields of the fact, as JSON. */
  readonly data: string
}

/** A fact in its place in the log. */
export interface LogRow extends EncodedFact {
  /** Place in the log, from 1. */
  readonly position: number
}

/** A fact whose type this version of patchmoi does not know: written by a newer one, kept as it is. */
export interface UnknownFact {
  readonly _tag: "UnknownFact"
  readonly type: string
  readonly data: unknown
}

/** A decoded row. `F` are the facts that the reader knows. */
export interface Recorded<F> {
  readonly position: number
  readonly stream: string
  readonly version: number
  /** Milliseconds since the Unix epoch. */
  readonly at: number
  readonly fact: F | UnknownFact
}

/** The stream moved since it was read. Nothing was written; read again and decide again. */
export class VersionConflict extends Schema.TaggedError<VersionConflict>("patchmoi/VersionConflict")(
  "VersionConflict",
  { stream: Schema.String, expected: Schema.Int, actual: Schema.Int }
) {
  override get message() {
    return `Stream ${this.stream}: expected version ${this.expected}, found ${this.actual}. Read it again and decide again.`
  }
}

/**
 * The disk or the database refused. After a failed `commit` it is unknown whether the facts were written:
 * read before trying again.
 */
export class StoreError extends Schema.TaggedError<StoreError>("patchmoi/StoreError")("StoreError", {
  operation: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `The store could not ${this.operation}: ${this.reason}`
  }
}

/** A fact does not fit its schema: a bug in whoever decided it. Nothing was written. */
export class InvalidFact extends Schema.TaggedError<InvalidFact>("patchmoi/InvalidFact")("InvalidFact", {
  type: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `A fact of type ${this.type} does not fit its schema and was not written: ${this.reason}`
  }
}
