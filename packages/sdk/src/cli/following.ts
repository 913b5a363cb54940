/**
 * Waits for runs that a command has started, shows how they go, and cancels them when the user interrupts.
 *
 * 1. Follow-up events that a result asks for belong to what is awaited, whatever their depth.
 * 2. The first interruption cancels every run that has not ended; that is recorded, and the runs are awaited still.
 * 3. The second ends the command at once, and the process groups of its steps with it (`recordOptions.ts`).
 */

import { Engine } from "@patchmoi/core/engine/Engine"
import { RunId } from "@patchmoi/core/Ids"
import { Runs } from "@patchmoi/core/run/Runs"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import { commandLine } from "./commandLine.ts"
import { awaitAbort, interruptedBy } from "./interruption.ts"
import { makeProgress } from "./progress.ts"
import { type FollowedEvent, RunWatch } from "./RunWatch.ts"
import type { Session } from "./Session.ts"

/** How often the time of a status line goes on. */
const tickTime = "1 second"

/** How many rows of the log are read at a time. */
const rowsMax = 512

/**
 * Starts something and awaits the runs of the events that `eventsOf` finds in it, and of their follow-ups. Gives what
 * `start` gave, and the events: those that were started, then the follow-ups in the order in which they were accepted.
 */
export const follow = <A, E, R>(
  session: Session,
  start: Effect.Effect<A, E, R>,
  eventsOf: (started: A) => ReadonlyArray<FollowedEvent>
) =>
  Effect.gen(function* () {
    const store = yield* Store
    const signal = session.caller.interruption()
    let position = yield* store.driver.head
    const started = yield* start
    const watch = new RunWatch(makeProgress(session))
    yield* Effect.forEach(eventsOf(started), (event) => addRuns(watch, event), { discard: true })
    const ticker = yield* Effect.fork(
      Effect.schedule(
        Effect.sync(() => watch.tick()),
        Schedule.spaced(tickTime)
      )
    )
    while (true) {
      if (signal.aborted) yield* cancelPending(watch, signal)
      const rows = yield* store.driver.readAfter(position, rowsMax)
      for (const row of rows) {
        const followUp = watch.take(row)
        if (followUp !== undefined) yield* addRuns(watch, followUp)
        position = row.position
      }
      if (rows.length > 0) continue
      // Only at the end of the log: the follow-ups of a run are in the commit that ends it.
      if (watch.pending.size === 0) break
      const changed = store.driver.awaitBeyond(position)
      yield* signal.aborted ? changed : Effect.raceFirst(changed, awaitAbort(signal))
    }
    yield* Fiber.interrupt(ticker)
    watch.progress.clear()
    return { started, events: watch.events, interrupted: interruptedBy(signal) }
  })

// --- internal ---

const addRuns = Effect.fnUntraced(function* (watch: RunWatch, event: FollowedEvent) {
  const store = yield* Store
  const runs = yield* Effect.forEach(event.runIds, (runId) => store.load(Runs, runId))
  watch.add(event, runs.flatMap(Option.toArray))
})

/** Cancels what is pending and was not told yet. */
const cancelPending = Effect.fnUntraced(function* (watch: RunWatch, signal: AbortSignal) {
  const engine = yield* Engine
  const reason = `interrupted by ${interruptedBy(signal)}`
  for (const runId of watch.pending) {
    if (watch.told.has(runId)) continue
    watch.told.add(runId)
    yield* Effect.catchTags(engine.cancel(RunId.make(runId, true), { by: commandLine, reason }), {
      RunAlreadyEnded: () => Effect.void,
      UnknownRun: () => Effect.void
    })
  }
})
