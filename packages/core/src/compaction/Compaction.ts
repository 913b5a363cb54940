/**
 * Compaction: the history of what ended before a time goes, and the store shrinks.
 *
 * 1. An event goes with everything that it led to, or not at all: its runs with their output, its maintenance attempts,
 *    its dispatches. All of it has ended before the time, and no run waits for an approval.
 * 2. What makes a duplicate a duplicate stays for ever: the id, the digests of its contents, its runs' ids. A dispatch of
 *    a compacted event is answered as before; a replay of it is `EventForgotten`.
 * 3. Sources keep all that they have seen: a release is not taken in twice.
 * 4. Each event is one commit, checked against everything that was looked at. A process that stops in the middle
 *    leaves each event whole or compacted; running again goes on.
 * 5. Positions stay what they were. Readers of `changes` find gaps, and a fact `EventCompacted` for each event.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import type { EventDocument } from "../event/EventDocument.ts"
import { Events } from "../event/Events.ts"
import { streamOf } from "../store/Aggregate.ts"
import type { Driver } from "../store/Driver.ts"
import type { StoreError } from "../store/Log.ts"
import { parseDocument } from "../store/parseDocument.ts"
import { toIso } from "../Time.ts"
import { compactEvent } from "./compactEvent.ts"

/** What compaction took out. */
export interface CompactionSummary {
  /** What ended before this went: ISO 8601, UTC. */
  readonly before: string
  readonly events: number
  readonly runs: number
  readonly maintenanceAttempts: number
  readonly dispatches: number
  readonly facts: number
  /** Events from before the time that stay, as something of them has not ended, or ended later, or changed meanwhile. */
  readonly kept: number
  /** What the store took on the disk, in bytes. */
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** This kind of store cannot forget. Nothing was changed. */
export class CompactionUnsupported extends Schema.TaggedError<CompactionUnsupported>(
  "patchmoi/CompactionUnsupported"
)("CompactionUnsupported", { kind: Schema.String }) {
  override get message() {
    return (
      `A record of kind ${this.kind} cannot be compacted: it keeps its whole history. ` +
      "Move it to SQLite with `patchmoi log export` and `patchmoi log import`, and compact it there"
    )
  }
}

/** Events that are looked at, and may be written, at a time: they share transactions. */
const eventsAtOnce = 64

/**
 * Takes out what ended before a time, in milliseconds since the Unix epoch, and gives the space back.
 *
 * - `CompactionUnsupported`: the store has no way to forget.
 * - `StoreError`: the store refused; what was compacted before stays compacted.
 */
export const compact = (
  driver: Driver,
  options: { readonly before: number }
): Effect.Effect<CompactionSummary, StoreError | CompactionUnsupported> =>
  Effect.gen(function* () {
    const { compaction } = driver
    if (compaction === undefined) return yield* new CompactionUnsupported({ kind: driver.kind })
    const { before } = options
    const bytesBefore = yield* compaction.size
    const counts = { events: 0, runs: 0, maintenanceAttempts: 0, dispatches: 0, facts: 0, kept: 0 }
    let after: string | undefined
    while (true) {
      const page = yield* driver.list({
        view: Events.name,
        index: "all",
        prefix: "",
        order: "ascending",
        limit: eventsAtOnce,
        ...(after === undefined ? {} : { after })
      })
      const now = yield* Clock.currentTimeMillis
      const events = yield* Either.all(
        page.map(({ key, value }) => parseDocument<EventDocument>(streamOf(Events, key), value))
      )
      const taken = yield* Effect.forEach(
        events.filter(({ createdAt }) => Date.parse(createdAt) < before),
        ({ event }) => compactEvent(driver, event.id, before, now),
        { concurrency: "unbounded" }
      )
      for (const gone of taken) {
        if (gone === undefined) counts.kept += 1
        else {
          counts.events += 1
          counts.runs += gone.runs
          counts.maintenanceAttempts += gone.maintenanceAttempts
          counts.dispatches += gone.dispatches
          counts.facts += gone.facts
        }
      }
      after = page.at(-1)?.sort
      if (page.length < eventsAtOnce) break
    }
    yield* compaction.shrink
    const bytesAfter = yield* compaction.size
    return { before: toIso(before), ...counts, bytesBefore, bytesAfter }
  }).pipe(Effect.withSpan("Compaction.compact"))
