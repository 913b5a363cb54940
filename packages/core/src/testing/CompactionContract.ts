/** What `compaction/Compaction.ts` promises, as tests that every driver passes that can forget. */
import { describe, expect } from "bun:test"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { aggregates } from "../Aggregates.ts"
import { compact } from "../compaction/Compaction.ts"
import { Dispatches } from "../dispatch/Dispatches.ts"
import { Engine } from "../engine/Engine.ts"
import { Events } from "../event/Events.ts"
import { EventId } from "../Ids.ts"
import { MaintenanceAttempts } from "../maintenance/MaintenanceAttempts.ts"
import { Runs } from "../run/Runs.ts"
import { Sources } from "../source/Sources.ts"
import { Projector } from "../store/Projector.ts"
import { Store } from "../store/Store.ts"
import { anyTime, endedAndNot, engineOver } from "./CompactionContractParts.ts"
import { it } from "./effectTest.ts"
import type { MakeDriver } from "./StoreContractLedger.ts"

/** More rows than any test here writes. */
const rowsMax = 10_000

/** Registers the tests of compaction for one driver. */
export const compactionContract = (name: string, make: MakeDriver): void =>
  describe(`${name} compacts`, () => {
    const { live } = it

    live("what ended goes, with its runs, output, maintenance attempt and dispatch; the rest stays", () =>
      Effect.gen(function* () {
        const { driver, ...store } = yield* Store
        const { dispatch } = yield* endedAndNot
        const first = yield* dispatch("ended-0")
        const positions = yield* driver.head
        const summary = yield* compact(driver, { before: anyTime })
        expect(summary).toMatchObject({ events: 3, runs: 3, maintenanceAttempts: 1, dispatches: 1, kept: 1 })
        expect(summary.facts).toBeGreaterThanOrEqual(3 + 3 * 4 + 2)
        const events = yield* store.list(Events)
        expect(events.items.map(({ event }) => event.id)).toEqual([EventId.make("asking")])
        expect((yield* store.list(Runs)).items).toHaveLength(1)
        expect((yield* store.list(Runs, { index: "byStatus", prefix: ["completed"] })).items).toHaveLength(1)
        expect((yield* store.list(MaintenanceAttempts)).items).toEqual([])
        expect((yield* store.list(Dispatches)).items).toEqual([])
        expect(first.runIds).toHaveLength(1)
        for (const runId of first.runIds) {
          expect(Option.isNone(yield* store.load(Runs, runId))).toBe(true)
          expect(yield* store.history(Runs, runId)).toEqual([])
          expect(yield* driver.outputs.read(`${runId}:attempt:1`, 0, 10)).toEqual([])
        }
        expect(yield* driver.head).toBe(positions + 3)
      }).pipe(Effect.provide(engineOver(make)))
    )

    live("a duplicate is a duplicate as before, and a replay is refused", () =>
      Effect.gen(function* () {
        const { driver } = yield* Store
        const engine = yield* Engine
        const { dispatch } = yield* endedAndNot
        const before = yield* dispatch("ended-0")
        yield* compact(driver, { before: anyTime })
        expect(yield* dispatch("ended-0")).toEqual(before)
        expect(before).toMatchObject({ status: "duplicate", idempotent: true, matched: 1 })
        const other = yield* engine.dispatch({ id: "ended-0", type: "ends", payload: { other: true } })
        expect(other).toMatchObject({ status: "duplicate", payloadDiffers: true, runIds: before.runIds })
        const refused = yield* Effect.flip(engine.replay(EventId.make("ended-0")))
        expect(refused._tag).toBe("EventForgotten")
        expect(refused.message).toContain("ended-0")
        const added = yield* engine.dispatch({ id: "new", type: "ends", payload: {} })
        expect(added).toMatchObject({ status: "accepted", matched: 1 })
        yield* engine.awaitRuns(added.runIds)
      }).pipe(Effect.provide(engineOver(make)))
    )

    live("readers of the log go over the gaps, and documents are still the fold of what is left", () =>
      Effect.gen(function* () {
        const { driver, changes } = yield* Store
        const engine = yield* Engine
        const { dispatch } = yield* endedAndNot
        yield* compact(driver, { before: anyTime })
        yield* engine.awaitRuns((yield* dispatch("after")).runIds)
        const rows = yield* driver.readAfter(0, rowsMax)
        const seen = yield* Stream.runCollect(Stream.take(changes(0), rows.length))
        expect(Chunk.toReadonlyArray(seen)).toEqual(rows)
        expect(rows.map(({ position }) => position)).toEqual(
          rows.map(({ position }) => position).toSorted((a, b) => a - b)
        )
        expect(yield* driver.readAfter(rows[1]?.position ?? 0, 1)).toEqual(rows.slice(2, 3))
        const projector = new Projector(aggregates)
        for (const row of rows) projector.apply(row)
        for (const { view, key, stream, version, value } of projector.project().documents) {
          const first = yield* driver.beginning?.(stream) ?? Effect.fail("cannot forget")
          expect(yield* driver.load(view, key, stream)).toEqual({
            ...{ key, version, value },
            created: first?.created ?? 0
          })
        }
        const event = yield* driver.readStream("event/ended-0", 0, 10)
        expect(event.map(({ type }) => type)).toEqual(["EventCompacted"])
      }).pipe(Effect.provide(engineOver(make)))
    )

    live("nothing that ended later goes, and compacting again takes nothing", () =>
      Effect.gen(function* () {
        const { driver } = yield* Store
        yield* endedAndNot
        const early = yield* compact(driver, { before: 1 })
        expect(early).toMatchObject({ events: 0, facts: 0, kept: 0 })
        yield* compact(driver, { before: anyTime })
        const again = yield* compact(driver, { before: anyTime })
        expect(again).toMatchObject({ events: 0, runs: 0, facts: 0, kept: 1 })
      }).pipe(Effect.provide(engineOver(make)))
    )

    live("sources keep what they have seen", () =>
      Effect.gen(function* () {
        const { driver, transact, load } = yield* Store
        yield* transact((unit) => unit.execute(Sources, "feed", { _tag: "Prime", entryIds: ["a", "b"] }))
        const before = yield* load(Sources, "feed")
        yield* compact(driver, { before: anyTime })
        expect(yield* load(Sources, "feed")).toEqual(before)
      }).pipe(Effect.provide(engineOver(make)))
    )
  })
