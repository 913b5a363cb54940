/** What `store/Transfer.ts` promises for a store whose history was compacted, for every pair of kinds that can forget. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { aggregates } from "../Aggregates.ts"
import { compact } from "../compaction/Compaction.ts"
import { Engine } from "../engine/Engine.ts"
import { Events } from "../event/Events.ts"
import { EventId } from "../Ids.ts"
import { Runs } from "../run/Runs.ts"
import { splitStream } from "../store/Aggregate.ts"
import type { Driver, ListedDocument } from "../store/Driver.ts"
import type { LogRow } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import { documentsDigest, exportLog, importLog } from "../store/Transfer.ts"
import { anyTime, endedAndNot, engineOver } from "./CompactionContractParts.ts"
import { it } from "./effectTest.ts"
import type { MakeDriver } from "./StoreContractLedger.ts"

/** More rows than any test here writes. */
const rowsMax = 10_000

/** Registers the tests for moving a compacted record from one kind of store to another. Both are empty when they are made. */
export const transferContractCompacted = (
  name: string,
  { from, to }: { readonly from: MakeDriver; readonly to: MakeDriver }
): void =>
  describe(`${name}: what is left after a compaction moves`, () => {
    it.live("facts with their positions, documents, lists with their cursors, and output", () =>
      Effect.gen(function* () {
        const source = yield* from
        const lines = yield* compactedRecord(source)
        const target = yield* to
        const report = yield* imported(target, lines)
        const rows = yield* source.readAfter(0, rowsMax)
        const documents = yield* documentsDigest(source, aggregates)
        expect(rows.at(-1)?.position).toBeGreaterThan(rows.length)
        expect(report).toMatchObject({ source: source.kind, facts: rows.length, documents })
        expect(report.outputs).toBeGreaterThan(0)
        expect(yield* documentsDigest(target, aggregates)).toBe(documents)
        expect(yield* target.readAfter(0, rowsMax)).toEqual(rows)
        expect(yield* target.head).toBe(yield* source.head)
        for (const stream of new Set(rows.map((row) => row.stream))) {
          // What is left of a compacted event is in no list: the digest does not tell.
          const { name, key } = splitStream(stream)
          expect(yield* target.load(name, key, stream)).toEqual(yield* source.load(name, key, stream))
          expect(yield* target.beginning?.(stream) ?? Effect.void).toEqual(
            yield* source.beginning?.(stream) ?? Effect.fail("cannot forget")
          )
        }
        for (const aggregate of aggregates) {
          for (const index of Object.keys(aggregate.indexes)) {
            const pages = yield* Effect.forEach([source, target], (driver) =>
              pagesOf(driver, aggregate.name, index)
            )
            expect(pages[1]).toEqual(pages[0])
          }
        }
        expect((yield* exported(target)).slice(1, -1)).toEqual(lines.slice(1, -1))
      })
    )

    it.live("a duplicate is a duplicate with its runs, a replay is refused, and the record goes on", () =>
      Effect.gen(function* () {
        const source = yield* from
        const lines = yield* compactedRecord(source)
        const before = yield* Effect.provide(duplicate, engineOver(Effect.succeed(source)))
        const target = yield* to
        yield* imported(target, lines)
        yield* Effect.gen(function* () {
          const engine = yield* Engine
          const store = yield* Store
          expect(yield* duplicate).toEqual(before)
          expect(before).toMatchObject({ status: "duplicate", idempotent: true, matched: 1 })
          expect(before.runIds).toHaveLength(1)
          const refused = yield* Effect.flip(engine.replay(EventId.make("ended-0")))
          expect(refused._tag).toBe("EventForgotten")
          expect((yield* store.list(Events)).items.map(({ event }) => event.id)).toEqual([
            EventId.make("later"),
            EventId.make("asking")
          ])
          const added = yield* engine.dispatch({ id: "new", type: "ends", payload: {} })
          yield* engine.awaitRuns(added.runIds)
          expect((yield* store.list(Runs)).items).toHaveLength(3)
        }).pipe(Effect.provide(engineOver(Effect.succeed(target))))
      })
    )

    it.live("compacting again takes what has ended since, and what is left then moves back", () =>
      Effect.gen(function* () {
        const target = yield* to
        yield* imported(target, yield* compactedRecord(yield* from))
        expect(yield* compact(target, { before: anyTime })).toMatchObject({ events: 1, runs: 1, kept: 1 })
        expect(yield* compact(target, { before: anyTime })).toMatchObject({ events: 0, kept: 1 })
        const back = yield* from
        yield* imported(back, yield* exported(target))
        expect(yield* documentsDigest(back, aggregates)).toBe(yield* documentsDigest(target, aggregates))
        expect(yield* back.readAfter(0, rowsMax)).toEqual(yield* target.readAfter(0, rowsMax))
      })
    )

    it.live("an export that was cut or altered is refused", () =>
      Effect.gen(function* () {
        const lines = yield* compactedRecord(yield* from)
        const streamAt = lines.findIndex((line) => line.startsWith('{"kind":"stream"'))
        expect(streamAt).toBeGreaterThan(0)
        for (let cut = 0; cut < lines.length; cut++) {
          const without = lines.filter((_, index) => index !== cut)
          expect([cut, (yield* refusalOf(yield* to, without))._tag]).toEqual([cut, "TransferRefused"])
          const short = yield* refusalOf(yield* to, lines.slice(0, cut))
          expect([cut, short._tag]).toEqual([cut, "TransferRefused"])
        }
        const altered = (change: (line: string) => string) =>
          lines.map((line, index) => (index === streamAt ? change(line) : line))
        for (const hurt of [
          altered((line) => line.replace(/"version":(\d+)/, '"version":1$1')),
          altered((line) => line.replace(/"created":(\d+)/, '"created":900$1')),
          altered((line) => line.replace(/"created":(\d+)/, '"created":0')),
          altered((line) => line.replace("event/", "event/x")),
          [...lines.slice(0, streamAt), lines[streamAt] ?? "", ...lines.slice(streamAt)],
          [...lines.slice(0, -1), lines[streamAt] ?? "", lines.at(-1) ?? ""]
        ]) {
          expect((yield* refusalOf(yield* to, hurt))._tag).toBe("TransferRefused")
        }
      })
    )

    it.live("an export beside a compaction says that it has to be taken again", () =>
      Effect.gen(function* () {
        const source = yield* from
        yield* Effect.provide(endedAndNot, engineOver(Effect.succeed(source)))
        let isCompacted = false
        const moving: Driver = {
          ...source,
          readAfter: (position, limit) =>
            Effect.tap(source.readAfter(position, limit), () => {
              if (isCompacted) return Effect.void
              isCompacted = true
              return Effect.orDie(compact(source, { before: anyTime }))
            })
        }
        const refused = yield* Effect.flip(exported(moving))
        expect(refused.message).toContain("compacted meanwhile")
        expect(yield* exported(source)).not.toHaveLength(0)
      })
    )
  })

/** Ends events, compacts them, ends one more, and gives the lines of what is left. */
export const compactedRecord = (driver: Driver) =>
  Effect.gen(function* () {
    const engine = yield* Engine
    yield* endedAndNot
    yield* compact(driver, { before: anyTime })
    yield* engine.awaitRuns((yield* engine.dispatch({ id: "later", type: "ends", payload: {} })).runIds)
    return yield* exported(driver)
  }).pipe(Effect.provide(engineOver(Effect.succeed(driver))))

/** Takes lines into a store. */
export const imported = (driver: Driver, lines: ReadonlyArray<string>) =>
  importLog(driver, Stream.fromIterable(lines), { aggregates })

// --- internal ---

const exported = (driver: Driver) =>
  Effect.map(Stream.runCollect(exportLog(driver, { aggregates, attemptOf })), (lines) => [...lines])

const attemptOf = ({ type, data }: LogRow): string | undefined => {
  if (type !== "AttemptStarted") return undefined
  const fact = Runs.decodeFact(type, data)
  return fact._tag === "AttemptStarted" ? fact.attemptId : undefined
}

const refusalOf = (driver: Driver, lines: ReadonlyArray<string>) => Effect.flip(imported(driver, lines))

const duplicate = Effect.flatMap(Engine, (engine) =>
  engine.dispatch({ id: "ended-0", type: "ends", payload: { id: "ended-0" } })
)

/** Every page of two documents of an index, from the newest on; the last sort key of each leads to the next. */
const pagesOf = (driver: Driver, view: string, index: string) =>
  Effect.iterate(
    { pages: [] as ReadonlyArray<ListedDocument>[], ends: false },
    {
      while: ({ ends }) => !ends,
      body: ({ pages }) => {
        const after = pages.at(-1)?.at(-1)?.sort
        return Effect.map(
          driver.list({
            view,
            index,
            prefix: "",
            order: "descending",
            limit: 2,
            ...(after === undefined ? {} : { after })
          }),
          (page) => ({ pages: [...pages, page], ends: page.length < 2 })
        )
      }
    }
  )
