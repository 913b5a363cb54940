import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import * as Layer from "effect/Layer"
import * as Dispatcher from "../../src/engine/Dispatcher.ts"
import * as Generation from "../../src/engine/Generation.ts"
import { Events, type UnknownEvent } from "../../src/event/Events.ts"
import type { FlowEvent } from "../../src/event/FlowEvent.ts"
import * as FlowCatalog from "../../src/flow/FlowCatalog.ts"
import { EventId } from "../../src/Ids.ts"
import { MaintenanceAttempts } from "../../src/maintenance/MaintenanceAttempts.ts"
import { Runs } from "../../src/run/Runs.ts"
import * as Store from "../../src/store/Store.ts"
import { it } from "../../src/testing/effectTest.ts"
import { singleStepFlow } from "../../src/testing/flows.ts"

const flows = ["one", "two"].map((name) => singleStepFlow(name, "t"))

interface Action {
  readonly does: "dispatch" | "replay"
  readonly id: string
  readonly payload: number
  /** How many turns it waits before it begins. */
  readonly waits: number
}
const actions = FastCheck.array(
  FastCheck.record<Action>({
    does: FastCheck.constantFrom("dispatch", "dispatch", "replay"),
    id: FastCheck.constantFrom("a", "b"),
    payload: FastCheck.constantFrom(1, 2),
    waits: FastCheck.nat({ max: 8 })
  }),
  { maxLength: 12 }
)

const eventOf = ({ id, payload }: Action): FlowEvent => ({
  id: EventId.make(id),
  type: "t",
  source: Generation.signalSource,
  receivedAt: "1970-01-01T00:00:00.000Z",
  payload
})

/** Carries the actions out at the same time and gives what they answered. */
const carriedOut = (sequence: ReadonlyArray<Action>) =>
  Effect.gen(function* () {
    const store = yield* Store.Store
    const dispatcher = Dispatcher.make()
    const { snapshot } = yield* FlowCatalog.FlowCatalog
    const found = yield* snapshot
    const answers = yield* Effect.forEach(
      sequence,
      (action) =>
        Effect.zipRight(
          Effect.repeatN(Effect.yieldNow(), action.waits),
          store.transact((transaction) =>
            // A turn between reading and committing, so that units of work overlap.
            Effect.zipLeft(
              transaction.run((unit) =>
                action.does === "dispatch"
                  ? dispatcher.accept<UnknownEvent>(unit, found, eventOf(action))
                  : dispatcher.replay(unit, found, EventId.make(action.id))
              ),
              Effect.yieldNow()
            )
          )
        ).pipe(
          Effect.map((outcome) => ({ action, outcome })),
          Effect.catchTag("UnknownEvent", () => Effect.succeed({ action, outcome: undefined }))
        ),
      { concurrency: "unbounded" }
    )
    const events = (yield* store.list(Events)).items
    const runs = (yield* store.list(Runs, { limit: 500 })).items
    const attempts = (yield* store.list(MaintenanceAttempts, { limit: 500 })).items
    return { answers, events, runs, attempts }
  })

/** By the real clock: a unit of work that lost waits a fraction of a millisecond before it runs again. */
const inMemory = (sequence: ReadonlyArray<Action>) =>
  Effect.runPromise(
    Effect.provide(carriedOut(sequence), Layer.merge(Store.layerMemory, FlowCatalog.layerMemory(flows)))
  )

const hold = FastCheck.asyncProperty(actions, async (sequence) => {
  const { answers, events, runs, attempts } = await inMemory(sequence)
  for (const id of ["a", "b"]) {
    const answered = answers.filter(({ action, outcome }) => action.id === id && outcome !== undefined)
    const dispatches = answered.filter(({ action }) => action.does === "dispatch")
    const replays = answered.length - dispatches.length
    const firsts = dispatches.length > 0 ? 1 : 0
    expect(dispatches.filter(({ outcome }) => outcome?.status === "accepted")).toHaveLength(firsts)
    const event = events.find((kept) => kept.event.id === id)
    expect(event?.generation).toBe(firsts === 0 ? undefined : replays)
    const own = runs.filter(({ eventId }) => eventId === id)
    expect(own).toHaveLength(flows.length * (firsts + replays))
    expect(event?.runIds.toSorted() ?? []).toEqual(own.map((run) => run.id).toSorted())
    const generations = own.map(({ flowName, generation }) => `${flowName} ${generation}`)
    expect(new Set(generations).size).toBe(own.length)
    const open = attempts.filter(({ eventId, status }) => eventId === id && status === "started")
    expect(open).toHaveLength(firsts)
  }
})

it.live(
  "whatever the interleaving: one dispatch of an id is accepted, each replay adds one generation, nothing else adds a run",
  () => Effect.promise(() => FastCheck.assert(hold, { numRuns: 100 }))
)
