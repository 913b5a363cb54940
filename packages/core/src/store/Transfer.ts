/**
 * Moves everything that is known from one store to another of any kind: `exportLog` gives lines, `importLog` takes them.
 *
 * 1. Positions and versions stay as they are. Documents do not travel: they are folded anew from the facts.
 * 2. What arrived is proven: by the SHA-256 of the lines, by their counts, and by the digest of all documents.
 * 3. Both take the memory of a page, however long the log is.
 *
 * `TransferFormat.ts` has the format.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { LinesHash } from "../internal/digest.ts"
import { type AnyAggregate, streamOf } from "./Aggregate.ts"
import type { Driver } from "./Driver.ts"
import type { LogRow, StoreError, VersionConflict } from "./Log.ts"
import { documentsDigest, listedDocuments } from "./TransferDigest.ts"
import {
  type TransferLine,
  type TransferRefused,
  TransferTargetNotEmpty,
  transferVersion
} from "./TransferFormat.ts"
import { Importer, type TransferReport } from "./TransferImport.ts"

export { documentsDigest } from "./TransferDigest.ts"
export { TransferRefused, TransferTargetNotEmpty } from "./TransferFormat.ts"
export type { TransferReport } from "./TransferImport.ts"

export interface TransferOptions {
  /** Everything whose facts may be in the log. */
  readonly aggregates: ReadonlyArray<AnyAggregate>
}

export interface ExportOptions extends TransferOptions {
  /** The attempt that begins with this fact, if one does: its output follows the fact. */
  readonly attemptOf: (row: LogRow) => string | undefined
}

/** Facts that are read at a time. */
const pageFacts = 512
/** Pieces of output that are read at a time. */
const pageOutputs = 64
/** Most characters of a page of lines, unless the output of one attempt has more. */
const pageLengthMax = 4 * 1_048_576

/**
 * The lines of a store, without newlines. A writer may go on meanwhile: the export then holds what was committed by the
 * time it came to the end of the log, and no digest of the documents.
 */
export const exportLog = (driver: Driver, options: ExportOptions): Stream.Stream<string, StoreError> =>
  Stream.unwrap(
    Effect.map(driver.head, (head) => {
      const progress: Progress = { facts: 0, outputs: 0, position: 0 }
      const hash = new LinesHash()
      const write = (line: TransferLine): string => {
        const text = JSON.stringify(line)
        if (line.kind === "fact") progress.facts += 1
        if (line.kind === "output") progress.outputs += 1
        hash.add(text)
        return text
      }
      const header = { kind: "header", format: "patchmoi-log", version: transferVersion } as const
      const compacted = Stream.suspend(() =>
        progress.facts < progress.position ? compactedDocuments(driver, options.aggregates) : Stream.empty
      )
      const end = Effect.map(digestAt(driver, options, progress), (documents) => {
        const { facts, outputs } = progress
        return JSON.stringify({ kind: "end", facts, outputs, documents, sha256: hash.finish() })
      })
      return Stream.succeed(write({ ...header, source: driver.kind, head })).pipe(
        Stream.concat(factLines(driver, options, progress, write)),
        Stream.concat(Stream.map(compacted, write)),
        Stream.concat(Stream.fromEffect(end))
      )
    })
  )

/**
 * Takes the lines of an export into an empty store, and proves that they arrived.
 *
 * - `TransferTargetNotEmpty`: the store holds facts. Nothing was written.
 * - `TransferRefused`: the export is cut or altered, or has gaps that this store cannot keep. What came before that line
 *   is in the store, so throw the store away: import into a place that takes its name only when this has succeeded.
 */
export const importLog = <E, R>(
  driver: Driver,
  lines: Stream.Stream<string, E, R>,
  options: TransferOptions
): Effect.Effect<
  TransferReport,
  E | StoreError | VersionConflict | TransferRefused | TransferTargetNotEmpty,
  R
> =>
  Effect.gen(function* () {
    const head = yield* driver.head
    if (head > 0) return yield* new TransferTargetNotEmpty({ head })
    const importer = new Importer(driver, options.aggregates)
    yield* Stream.runForEach(lines, (line) => importer.take(line))
    return yield* importer.finish
  }).pipe(Effect.withSpan("Transfer.importLog"))

// --- internal ---

/** How far an export has come. */
interface Progress {
  facts: number
  outputs: number
  /** The position of the last fact that was written. */
  position: number
}

/** The facts after where the export is, each with the output of the attempt that it begins, up to where the log ends. */
const factLines = (
  driver: Driver,
  { attemptOf }: ExportOptions,
  progress: Progress,
  write: (line: TransferLine) => string
): Stream.Stream<string, StoreError> =>
  Stream.paginateChunkEffect(undefined, () =>
    Effect.gen(function* () {
      const rows = yield* driver.readAfter(progress.position, pageFacts)
      const lines: Array<string> = []
      let length = 0
      const put = (line: TransferLine): void => {
        const text = write(line)
        length += text.length
        lines.push(text)
      }
      for (const row of rows) {
        // Output can be much: what does not fit is read again with the next page.
        if (length > pageLengthMax) break
        const { position, stream, version, at, type, data } = row
        put({ kind: "fact", position, stream, version, at, type, data })
        progress.position = position
        const attempt = attemptOf(row)
        if (attempt !== undefined) yield* putOutput(driver, attempt, put)
      }
      return [Chunk.unsafeFromArray(lines), rows.length === 0 ? Option.none() : Option.some(undefined)]
    })
  )

const putOutput = (
  driver: Driver,
  attempt: string,
  put: (line: TransferLine) => void
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    let next = 0
    while (true) {
      const records = yield* driver.outputs.read(attempt, next, pageOutputs)
      for (const record of records) put({ kind: "output", attempt, ...record })
      const last = records.at(-1)
      if (last === undefined || records.length < pageOutputs) return
      next = last.sequence + 1
    }
  })

/** The documents of streams whose first facts are no longer there. */
const compactedDocuments = (
  driver: Driver,
  aggregates: ReadonlyArray<AnyAggregate>
): Stream.Stream<TransferLine, StoreError> =>
  Stream.flatMap(Stream.fromIterable(aggregates), (aggregate) =>
    Stream.mapEffect(listedDocuments(driver, aggregate.name, "all"), ({ key, version, value }) =>
      Effect.map(
        driver.readStream(streamOf(aggregate, key), 0, 1),
        ([first]): ReadonlyArray<TransferLine> =>
          first?.version === 1 ? [] : [{ kind: "document", view: aggregate.name, key, version, value }]
      )
    ).pipe(Stream.flatMap(Stream.fromIterable))
  )

/** The digest of all documents, if they show exactly the facts that were exported. */
const digestAt = (
  driver: Driver,
  { aggregates }: TransferOptions,
  progress: Progress
): Effect.Effect<string | null, StoreError> =>
  Effect.gen(function* () {
    if ((yield* driver.head) !== progress.position) return null
    const digest = yield* documentsDigest(driver, aggregates)
    return (yield* driver.head) === progress.position ? digest : null
  })
