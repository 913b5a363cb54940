/**
 * An export of a store as lines of JSON, the same for every kind of store:
 *
 *     {"kind":"header","format":"patchmoi-log","version":1,"source":"file","head":2}
 *     {"kind":"fact","position":1,"stream":"run/r1","version":1,"at":1760000000000,"type":"RunQueued","data":"{…}"}
 *     {"kind":"output","attempt":"a1","sequence":0,"offset":0,"bytes":3,"stream":"stdout","at":1760000000001,"text":"hi\n"}
 *     {"kind":"end","facts":2,"outputs":1,"documents":"5f…","sha256":"9c…"}
 *
 * 1. Facts stand in position order; positions and versions are those of the store that was exported.
 * 2. `data` is the text of the fact's fields, as a string, so that nothing in it changes on the way.
 * 3. `sha256` is taken over every byte of the lines before the last one, their newlines included. An export that was cut
 *    or altered is refused.
 * 4. `documents` is the digest of all documents (`TransferDigest.ts`), or null where a writer went on meanwhile.
 * 5. Leases are not part of it: whoever held them is not at the other store.
 * 6. Where history was compacted away, positions have gaps. A line stands before the first fact that is left of a stream,
 *    when that is not its version 1; the fact stands for those before it.
 *
 *     {"kind":"stream","stream":"event/e1","created":1,"version":3}
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { OutputStream } from "../executor/Executor.ts"

/** The version of the format that is written, and the only one that is read. */
export const transferVersion = 1

/** Most characters of one line: a fact may be as large as a commit, and its text grows when it is quoted. */
export const transferLineLengthMax = 160 * 1_048_576

const Position = Schema.Int.pipe(Schema.positive())
const Count = Schema.NonNegativeInt

const Header = Schema.Struct({
  kind: Schema.Literal("header"),
  format: Schema.Literal("patchmoi-log"),
  version: Schema.Int,
  /** The kind of store that was exported. */
  source: Schema.String,
  /** The position of its last fact when the export began. */
  head: Count
})

const Fact = Schema.Struct({
  kind: Schema.Literal("fact"),
  position: Position,
  stream: Schema.String,
  version: Position,
  at: Schema.Int,
  type: Schema.String,
  data: Schema.String
})

const Output = Schema.Struct({
  kind: Schema.Literal("output"),
  attempt: Schema.String,
  sequence: Count,
  offset: Count,
  bytes: Count,
  stream: OutputStream,
  at: Schema.Int,
  text: Schema.String
})

/** A stream whose first facts were compacted away. */
const Compacted = Schema.Struct({
  kind: Schema.Literal("stream"),
  stream: Schema.String,
  /** The position that its first fact had: where lists have it. */
  created: Position,
  /** The version of the last fact that went. */
  version: Position
})

const End = Schema.Struct({
  kind: Schema.Literal("end"),
  facts: Count,
  outputs: Count,
  documents: Schema.NullOr(Schema.String),
  sha256: Schema.String
})

/** One line of an export. */
export const TransferLine = Schema.Union(Header, Fact, Output, Compacted, End)
export type TransferLine = typeof TransferLine.Type

/** The export is cut or was altered. */
export class TransferRefused extends Schema.TaggedError<TransferRefused>("patchmoi/TransferRefused")(
  "TransferRefused",
  {
    /** Number of the line, from 1. */
    line: Schema.Int,
    reason: Schema.String
  }
) {
  override get message() {
    return `The export cannot be imported (line ${this.line}): ${this.reason}. Export the store again, and import the new file`
  }
}

/** The export has gaps, as history was compacted away, and this kind of store cannot have any. */
export class TransferUnsupported extends Schema.TaggedError<TransferUnsupported>(
  "patchmoi/TransferUnsupported"
)("TransferUnsupported", {
  /** The kind of store that was to take it. */
  kind: Schema.String,
  /** Number of the first line that it cannot take, from 1. */
  line: Schema.Int
}) {
  override get message() {
    return (
      `A record of kind ${this.kind} cannot take this export (line ${this.line}): history was compacted away in it, and this ` +
      "kind keeps its whole history. Import it into SQLite (`--store sqlite`)"
    )
  }
}

/** The store that was to take an export holds facts already. */
export class TransferTargetNotEmpty extends Schema.TaggedError<TransferTargetNotEmpty>(
  "patchmoi/TransferTargetNotEmpty"
)("TransferTargetNotEmpty", {
  /** The position of its last fact. */
  head: Schema.Int
}) {
  override get message() {
    return `The store has facts already, the last one at position ${this.head}, and an import needs an empty one: name a folder that is not there yet`
  }
}

/** Reads a line; the left side says what is wrong with it. */
export const decodeTransferLine = (text: string): Either.Either<TransferLine, string> =>
  Either.mapLeft(decode(text), (error) => {
    const reason =
      ParseResult.ArrayFormatter.formatErrorSync(error)[0]?.message ?? "it is no line of an export"
    return reason.length > reasonLengthMax ? `${reason.slice(0, reasonLengthMax)} …` : reason
  })

// --- internal ---

const reasonLengthMax = 200

const decode = Schema.decodeUnknownEither(Schema.parseJson(TransferLine))
