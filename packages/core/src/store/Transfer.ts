/**
 * Moves everything that is known from one store to another of any kind: `exportLog` gives lines, `importLog` takes them.
 *
 * 1. Positions and versions stay as they are, and so do the gaps that a compaction left. Documents do not travel: they are
 *    folded anew from the facts.
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
import type { AnyAggregate } from "./Aggregate.ts"
import type { Driver } from "./Driver.ts"
import { type LogRow, StoreError, type VersionConflict } from "./Log.ts"
import { documentsDigest } from "./TransferDigest.ts"
import {
  type TransferLine,
  type TransferRefused,
  TransferTargetNotEmpty,
  type TransferUnsupported,
  transferVersion
} from "./TransferFormat.ts"
import { Importer, type TransferReport } from "./TransferImport.ts"

export { documentsDigest } from "./TransferDigest.ts"
export { TransferRefused, TransferTargetNotEmpty, TransferUnsupported } from "./TransferFormat.ts"
export type { TransferReport } from "./TransferImport.ts"

/**
 * What both ends of a transfer have to know. Give both the same: with other aggregates the digests of the documents differ,
 * and the import is refused.
 */
export interface TransferOptions {
  /** Everything whose facts may be in the log. */
  readonly aggregates: ReadonlyArray<AnyAggregate>
}

/** What an export has to know: the output of an attempt that no fact is said to begin is left out of it. */
export interface ExportOptions extends TransferOptions {
  /** The attempt that begins with this fact, if one does: its output follows the fact. */
  readonly attemptOf: (row: LogRow) => string | undefined
}

/** Facts that are read at a time. */
const pageFacts = 512
/** Streams that are remembered while facts are read: those of one time stand close together. */
const begunMax = 10_000
/** Pieces of output that are read at a time. */
const pageOutputs = 64
/** Most characters of a page of lines, unless the output of one attempt has more. */
const pageLengthMax = 4 * 1_048_576

/**
 * The lines of a store, without newlines. A writer may go on meanwhile: the export then holds what was committed by the
 * time it came to the end of the log, and no digest of the documents. A compaction may not: it ends with `StoreError`.
 */
export const exportLog = (driver: Driver, options: ExportOptions): Stream.Stream<string, StoreError> =>
  Stream.unwrap(
    Effect.map(driver.head, (head) => {
      const progress: Progress = { began: head, facts: 0, outputs: 0, position: 0, begun: new Set() }
      const hash = new LinesHash()
      const write = (line: TransferLine): string => {
        const text = JSON.stringify(line)
        if (line.kind === "fact") progress.facts += 1
        if (line.kind === "output") progress.outputs += 1
        hash.add(text)
        return text
      }
      const header = { kind: "header", format: "patchmoi-log", version: transferVersion } as const
      const end = Effect.map(digestAt(driver, options, progress), (documents) => {
        const { facts, outputs } = progress
        return JSON.stringify({ kind: "end", facts, outputs, documents, sha256: hash.finish() })
      })
      return Stream.succeed(write({ ...header, source: driver.kind, head })).pipe(
        Stream.concat(factLines(driver, options, progress, write)),
        Stream.concat(Stream.fromEffect(end))
      )
    })
  )

/**
 * Takes the lines of an export into an empty store, and proves that they arrived.
 *
 * - `TransferTargetNotEmpty`: the store holds facts. Nothing was written.
 * - `TransferUnsupported`: the export has gaps, and this store cannot have any.
 * - `TransferRefused`: the export is cut or altered.
 *
 * After the last two, and after a `StoreError`, what came before that line is in the store, so throw the store away: import
 * into a place that takes its name only when this has succeeded.
 */
export const importLog = <E, R>(
  driver: Driver,
  lines: Stream.Stream<string, E, R>,
  options: TransferOptions
): Effect.Effect<
  TransferReport,
  E | StoreError | VersionConflict | TransferRefused | TransferTargetNotEmpty | TransferUnsupported,
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
  /** The position of the last fact when the export began. */
  readonly began: number
  facts: number
  outputs: number
  /** The position of the last fact that was written. */
  position: number
  /** Streams of which a fact was written, at most {@link begunMax} of them: their facts need no second look. */
  readonly begun: Set<string>
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
        const compacted = yield* compactedStream(driver, progress, row)
        if (compacted !== undefined) put(compacted)
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

/**
 * The line before a fact that is the first one left of its stream, where those before it were compacted away.
 *
 * Fails when the compaction went on beside the export: part of what it took is in the lines, part is not. It leaves a fact in
 * each stream that it took history from, so one that came since the export began tells.
 */
const compactedStream = (
  driver: Driver,
  { began, facts, begun }: Progress,
  { position, stream, version }: LogRow
): Effect.Effect<TransferLine | undefined, StoreError> => {
  // Without a gap before it, nothing was compacted away.
  const mayBeFirst = position > facts + 1 && !begun.has(stream)
  if (begun.size >= begunMax) begun.clear()
  begun.add(stream)
  const isLookedAt = version > 1 && (position > began || mayBeFirst)
  if (!isLookedAt || driver.beginning === undefined) return Effect.succeed(undefined)
  return Effect.flatMap(driver.beginning(stream), (first) => {
    if (first === undefined || first.version === 1) return Effect.succeed(undefined)
    if (first.position > began || first.position > position) {
      const reason = "it was compacted meanwhile. Export it again when the compaction has ended"
      return new StoreError({ operation: "export the log", reason })
    }
    return Effect.succeed(
      first.position === position
        ? ({ kind: "stream", stream, created: first.created, version: version - 1 } as const)
        : undefined
    )
  })
}

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
