import { describe, expect } from "bun:test"
import * as fs from "node:fs"
import { compact } from "@patchmoi/core/compaction/Compaction"
import { Events } from "@patchmoi/core/event/Events"
import { EventId } from "@patchmoi/core/Ids"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { compactionContract } from "@patchmoi/core/testing/CompactionContract"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { open, temporaryFile } from "../support.ts"

compactionContract(
  "the SQLite driver",
  Effect.flatMap(temporaryFile, (filename) => open(filename))
)

/** Enough to fill some hundred pages. */
const eventsMany = 400

describe("compaction of a database", () => {
  it.live("gives the space back to the disk while another connection has it open", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const store = makeStore(yield* open(filename, { synchronous: "normal" }))
      const other = makeStore(yield* open(filename))
      yield* Effect.forEach(
        Array.from({ length: eventsMany }, (_, index) => `event ${index}`),
        (id) =>
          store.transact((unit) =>
            unit.execute(Events, id, {
              _tag: "Accept",
              event: {
                id: EventId.make(id),
                type: "t",
                receivedAt: "2026-01-01T00:00:00.000Z",
                payload: { text: "x".repeat(4_000) }
              },
              contentDigest: id,
              runIds: [],
              depth: 0
            })
          ),
        { concurrency: 64, discard: true }
      )
      expect(yield* other.driver.head).toBe(eventsMany)
      const summary = yield* compact(store.driver, { before: 4_102_444_800_000 })
      expect(summary.events).toBe(eventsMany)
      expect(summary.bytesBefore).toBeGreaterThan(2 * eventsMany * 4_000)
      expect(summary.bytesAfter).toBeLessThan(summary.bytesBefore / 4)
      expect(fs.statSync(filename).size).toBeLessThan(summary.bytesBefore / 4)
      expect((yield* other.list(Events)).items).toEqual([])
      expect(Option.getOrThrow(yield* other.load(Events, "event 7")).compactedAt).toBeDefined()
    })
  )
})
