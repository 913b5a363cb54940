/**
 * The typed face of a store: units of work over aggregates, lists by their indexes, and the log as it grows.
 *
 * 1. A unit of work is all or nothing: every fact and every document of it, or none.
 * 2. What a unit loaded has not changed when it commits; otherwise the unit runs again from its start.
 * 3. `changes` gives every fact after a position once, in position order, and only after its commit.
 */
import * as Chunk from "effect/Chunk"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Aggregate, streamOf } from "./Aggregate.ts"
import * as Cursor from "./Cursor.ts"
import type { Driver } from "./Driver.ts"
import * as DriverMemory from "./DriverMemory.ts"
import type { LogRow, Recorded, StoreError, VersionConflict } from "./Log.ts"
import { parseDocument } from "./parseDocument.ts"
import { encodeSortKey, type SortPart } from "./SortKey.ts"
import { type DocumentOf, type Transaction, type Unit, UnitOfWork } from "./UnitOfWork.ts"

/** How often a unit of work runs again because another one was faster, before the conflict is given to the caller. */
export const conflictRetriesMax = 64

/** How many rows `changes` reads at a time at most. */
export const changesPageMax = 256
/** About how much of the log `changes` reads at a time, in UTF-16 code units: whoever follows it may be slow, and many. */
export const changesPageLength = 262_144

/** Items of a page when the caller names no limit. */
export const pageSizeDefault = 50
/** Most items of a page; a larger limit is cut to this. */
export const pageSizeMax = 500
/** How many documents one page of a list with `where` looks at; then it comes with fewer items, or none, and a cursor. */
export const looksMax = 10_000

/** What to list. */
export interface ListOptions<Document> {
  /** An index that the aggregate declares. Default: `all`. */
  readonly index?: string
  /** The leading parts of the sort key that a document must have. */
  readonly prefix?: ReadonlyArray<SortPart>
  /** Default: newest first (`descending`). */
  readonly order?: "ascending" | "descending"
  /** 1 to 500; 0, NaN and absent mean 50. */
  readonly limit?: number
  /** From the page before. */
  readonly cursor?: string
  /** Leaves out what does not fit; looked at after the index, for {@link looksMax} documents a page. */
  readonly where?: (document: Document) => boolean
}

/** A page of a list. `cursor` is there when there may be more, also when the page is short or empty. */
export interface Page<Document> {
  readonly items: ReadonlyArray<Document>
  readonly cursor?: string
}

/** A document, and the position of the first fact that it came of. */
export interface Placed<Document> {
  readonly document: Document
  readonly position: number
}

/** The store that the engine and every reader stand on. */
export class Store extends Context.Tag("@patchmoi/core/Store")<
  Store,
  {
    readonly driver: Driver
    /**
     * Runs a unit of work and commits what it appended, as one. The unit runs again when another writer was
     * faster, so it must do nothing outside the transaction that may not be done twice.
     *
     * - `VersionConflict`: it lost {@link conflictRetriesMax} times in a row. Nothing was written.
     * - `StoreError`: whether the facts were written is unknown; read before trying again.
     */
    readonly transact: <A, E, R>(
      unit: (transaction: Transaction) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | StoreError | VersionConflict, R>
    /**
     * The same for a unit that is plain code: Left commits nothing and fails. It runs several times as fast as one that is an
     * effect, and may run more than once.
     */
    readonly commit: <A, E>(
      unit: (unit: Unit) => Either.Either<A, E>
    ) => Effect.Effect<A, E | StoreError | VersionConflict>
    /** The document of one thing; none when it does not exist. */
    readonly load: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
      aggregate: Aggregate<Document, Fact, Command, Rejection>,
      key: string
    ) => Effect.Effect<Option.Option<Document>, StoreError>
    /** The same, with where it began. */
    readonly loadPlaced: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
      aggregate: Aggregate<Document, Fact, Command, Rejection>,
      key: string
    ) => Effect.Effect<Option.Option<Placed<Document>>, StoreError>
    /** A page of documents. A cursor that this list did not give is `CursorInvalid`. */
    readonly list: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
      aggregate: Aggregate<Document, Fact, Command, Rejection>,
      options?: ListOptions<Document>
    ) => Effect.Effect<Page<Document>, StoreError | Cursor.CursorInvalid>
    /** The facts of one thing, oldest first; at most `limit`. */
    readonly history: <Document, Fact extends { readonly _tag: string }, Command, Rejection>(
      aggregate: Aggregate<Document, Fact, Command, Rejection>,
      key: string,
      options?: { readonly afterVersion?: number; readonly limit?: number }
    ) => Effect.Effect<ReadonlyArray<Recorded<Fact>>, StoreError>
    /** Every row after this position, once each, in position order: past ones, then live ones as they commit. Never ends. */
    readonly changes: (afterPosition: number) => Stream.Stream<LogRow, StoreError>
  }
>() {}

/** Puts the typed face over a driver. */
export const make = (driver: Driver): typeof Store.Service => {
  const transact: (typeof Store.Service)["transact"] = (unit) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const work = new UnitOfWork(driver, now)
      return Effect.flatMap(unit(work.toTransaction()), (value) => Effect.as(work.commit, value))
    }).pipe(againOnConflict, Effect.withSpan("Store.transact", { captureStackTrace: false }))

  const commit: (typeof Store.Service)["commit"] = (unit) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const work = new UnitOfWork(driver, now)
      return Effect.flatMap(work.run(unit), (value) => Effect.as(work.commit, value))
    }).pipe(againOnConflict)

  const list: (typeof Store.Service)["list"] = (aggregate, options = {}) =>
    Effect.gen(function* () {
      const limit = clampLimit(options.limit)
      const prefix = encodeSortKey(options.prefix ?? [])
      const query = { view: aggregate.name, index: options.index ?? "all", prefix }
      const order = options.order ?? "descending"
      const items: Array<DocumentOf<typeof aggregate>> = []
      let after = yield* Cursor.decode(options.cursor, query)
      let looks = 0
      for (let size = limit; ; size = Math.min(size * lookGrowth, pageSizeMax, looksMax - looks)) {
        const page = yield* driver.list({
          ...query,
          order,
          limit: size,
          ...(after === undefined ? {} : { after })
        })
        for (const { key, value, sort } of page) {
          const document = yield* parseDocument<DocumentOf<typeof aggregate>>(streamOf(aggregate, key), value)
          after = sort
          if (options.where?.(document) === false) continue
          items.push(document)
          if (items.length === limit) return { items, cursor: Cursor.encode(query, sort) }
        }
        if (page.length < size || after === undefined) return { items }
        looks += page.length
        if (looks >= looksMax) return { items, cursor: Cursor.encode(query, after) }
      }
    })

  const loadPlaced: (typeof Store.Service)["loadPlaced"] = (aggregate, key) => {
    const stream = streamOf(aggregate, key)
    return Effect.flatMap(driver.load(aggregate.name, key, stream), ({ created, value }) =>
      value === undefined
        ? Effect.succeedNone
        : Either.map(parseDocument<DocumentOf<typeof aggregate>>(stream, value), (document) =>
            Option.some({ document, position: created })
          )
    )
  }

  return {
    driver,
    transact,
    commit,
    list,
    loadPlaced,
    load: (aggregate, key) =>
      Effect.map(
        loadPlaced(aggregate, key),
        Option.map(({ document }) => document)
      ),
    history: (aggregate, key, { afterVersion = 0, limit = pageSizeMax } = {}) =>
      Effect.map(driver.readStream(streamOf(aggregate, key), afterVersion, limit), (rows) =>
        rows.map((row) => ({
          position: row.position,
          stream: row.stream,
          version: row.version,
          at: row.at,
          fact: aggregate.decodeFact(row.type, row.data)
        }))
      ),
    changes: (afterPosition) =>
      Stream.paginateChunkEffect({ position: afterPosition, limit: 1 }, ({ position, limit }) =>
        Effect.map(readBeyond(driver, position, limit), (rows) => [
          Chunk.unsafeFromArray(rows),
          Option.some({ position: rows.at(-1)?.position ?? position, limit: nextLimit(limit, rows) })
        ])
      )
  }
}

/** A store over a driver that a layer or an effect makes. */
export const layerDriver = <E, R>(
  driver: Effect.Effect<Driver, E, R>
): Layer.Layer<Store, E, Exclude<R, Scope.Scope>> => Layer.scoped(Store, Effect.map(driver, make))

/** A store in memory. */
export const layerMemory: Layer.Layer<Store> = layerDriver(DriverMemory.make)

// --- internal ---

/** How much more of a list is read with each look, while what comes does not fit: few reads where little does. */
const lookGrowth = 4

/** Longest wait between two runs: growing on by 1.3, the last of 64 waits would take half an hour. */
const conflictWaitMax = "50 millis"

const conflictBackoff = Schedule.jittered(
  Schedule.union(Schedule.exponential("100 micros", 1.3), Schedule.spaced(conflictWaitMax))
)

/** Apart from the first run, as an effect with a schedule costs more than a unit of work. */
const againOnConflict = <A, E, R>(unit: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.catchIf(unit, isConflict, () =>
    Effect.retry(unit, {
      while: isConflict,
      schedule: Schedule.intersect(Schedule.recurs(conflictRetriesMax - 1), conflictBackoff)
    })
  )

const isConflict = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "VersionConflict"

const clampLimit = (limit: number | undefined): number =>
  limit === undefined || Number.isNaN(limit) || limit < 1
    ? pageSizeDefault
    : Math.min(Math.floor(limit), pageSizeMax)

const readBeyond = (
  driver: Driver,
  position: number,
  limit: number
): Effect.Effect<ReadonlyArray<LogRow>, StoreError> =>
  Effect.flatMap(driver.readAfter(position, limit), (rows) =>
    rows.length > 0
      ? Effect.succeed(rows)
      : Effect.zipRight(driver.awaitBeyond(position), driver.readAfter(position, limit))
  )

/** How many rows to read next: as many as fit when they are as long as these, and at most twice as many. */
const nextLimit = (limit: number, rows: ReadonlyArray<LogRow>): number => {
  const length = rows.reduce((sum, { data }) => sum + data.length, 0)
  const fitting = length === 0 ? changesPageMax : Math.floor((rows.length * changesPageLength) / length)
  return Math.max(1, Math.min(fitting, 2 * limit, changesPageMax))
}
