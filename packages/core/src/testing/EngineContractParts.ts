/**
 * What the contract of an engine works with: steps that wait until they are let go, engines that the test starts and stops,
 * and questions that are asked until they are answered. Time is the real one, as real stores know no other.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Engine from "../engine/Engine.ts"
import type { EngineOptions } from "../engine/EngineOptions.ts"
import type { AttemptOutcome, StepInvocation } from "../executor/Executor.ts"
import * as ExecutorMemory from "../executor/ExecutorMemory.ts"
import type { Flow } from "../flow/Flow.ts"
import * as FlowCatalog from "../flow/FlowCatalog.ts"
import type { RunId } from "../Ids.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import { Store } from "../store/Store.ts"

/** A store that is open. */
export type OpenStore = typeof Store.Service

/** Makes the place of an empty store and gives what opens it, again and again, once at a time. */
export type MakeStorePlace = Effect.Effect<Effect.Effect<OpenStore, never, Scope.Scope>, never, Scope.Scope>

/** How long a question is asked before the test fails, in milliseconds, and how long between two times. */
const askedMillisMax = 15_000
const askedAgainMillis = 2

/** How long a step takes that nothing holds, in milliseconds: long enough that steps which overlap are seen to. */
const openMillis = 3

/** Asks until the answer fits, and gives it. Dies with the last answer when none does in time. */
export const eventually = <A, E>(
  question: Effect.Effect<A, E>,
  fits: (answer: A) => boolean
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    let last: A | undefined
    const ask: Effect.Effect<A, E> = Effect.flatMap(question, (answer) => {
      last = answer
      return fits(answer) ? Effect.succeed(answer) : Effect.zipRight(Effect.sleep(askedAgainMillis), ask)
    })
    return Effect.timeoutFailCause(ask, {
      duration: askedMillisMax,
      onTimeout: () => Cause.die(new Error(`After ${askedMillisMax} ms it still is ${JSON.stringify(last)}`))
    })
  })

/** Steps that begin when an engine says so, and end when the test says so. */
export class HeldSteps {
  /** The ids of the events, in the order in which their steps began. */
  readonly begun: Array<string> = []
  readonly #running = new Map<string, number>()
  readonly #peaks = new Map<string, number>()
  readonly #gates = new Map<string, Deferred.Deferred<void>>()
  #isOpen = false

  /** Waits for its gate and ends as `outcomeOf` says. Counted under its flow and under `all`. */
  step(
    outcomeOf: (invocation: StepInvocation) => AttemptOutcome = () =>
      ExecutorMemory.succeeded({ status: "completed" })
  ): ExecutorMemory.MemoryStep {
    return (invocation) => {
      const { event, flow } = invocation
      const held = Effect.suspend(() => {
        this.begun.push(event.id)
        this.#count(flow.name, 1)
        this.#count("all", 1)
        return this.#isOpen ? Effect.sleep(openMillis) : Deferred.await(this.#gate(event.id))
      })
      const left = Effect.sync(() => {
        this.#count(flow.name, -1)
        this.#count("all", -1)
      })
      return Effect.as(Effect.ensuring(held, left), outcomeOf(invocation))
    }
  }

  /** How many are under way of a flow, or of `all`. */
  running(of: string): number {
    return this.#running.get(of) ?? 0
  }

  /** The most that ever were under way at once. */
  peak(of: string): number {
    return this.#peaks.get(of) ?? 0
  }

  /** Lets the step of this event go. */
  letGo(eventId: string): Effect.Effect<void> {
    return Effect.suspend(() => Effect.asVoid(Deferred.succeed(this.#gate(eventId), undefined)))
  }

  /** Lets every step go, also those that begin later. */
  readonly letAllGo: Effect.Effect<void> = Effect.suspend(() => {
    this.#isOpen = true
    return Effect.forEach(this.#gates.values(), (gate) => Deferred.succeed(gate, undefined), {
      discard: true
    })
  })

  #gate(eventId: string): Deferred.Deferred<void> {
    const known = this.#gates.get(eventId)
    if (known !== undefined) return known
    const gate = Effect.runSync(Deferred.make<void>())
    this.#gates.set(eventId, gate)
    return gate
  }

  #count(of: string, change: 1 | -1): void {
    const now = this.running(of) + change
    this.#running.set(of, now)
    this.#peaks.set(of, Math.max(this.peak(of), now))
  }
}

/** An engine that the test stops, or the end of its scope. */
export interface StartedEngine {
  readonly engine: typeof Engine.Engine.Service
  /** Dispatches an event without a payload, or with this one, and gives the only run that it starts. */
  readonly queue: (id: string, type: string, payload?: unknown) => Effect.Effect<RunId>
  readonly stop: Effect.Effect<void>
}

/** What an engine of the contract is made of. */
export interface EngineParts {
  readonly flows: ReadonlyArray<Flow>
  readonly steps?: Readonly<Record<string, ExecutorMemory.MemoryStep>>
  readonly options?: EngineOptions
}

/** Starts an engine over a store that is open. It stops without a grace, unless its options have one. */
export const startEngine = (
  store: OpenStore,
  { flows, steps = {}, options = {} }: EngineParts
): Effect.Effect<StartedEngine, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (made) => Scope.close(made, Exit.void))
    const layer = Engine.layer({ shutdownGraceMillis: 0, ...options }).pipe(
      Layer.provide(Layer.succeed(Store, store)),
      Layer.provide(Layer.merge(FlowCatalog.layerMemory(flows), ExecutorMemory.layer(steps)))
    )
    const engine = Context.get(yield* Effect.orDie(Layer.buildWithScope(layer, scope)), Engine.Engine)
    const queue = (id: string, type: string, payload: unknown = {}): Effect.Effect<RunId> =>
      Effect.flatMap(Effect.orDie(engine.dispatch({ id, type, payload })), ({ runIds: [runId, ...more] }) =>
        runId === undefined || more.length > 0
          ? Effect.dieMessage(`the event ${id} has to start one run`)
          : Effect.succeed(runId)
      )
    return { engine, queue, stop: Scope.close(scope, Exit.void) }
  })

/** The run as it is now. */
export const runOf = (store: OpenStore, runId: RunId): Effect.Effect<RunDocument> =>
  Effect.map(Effect.orDie(store.load(Runs, runId)), Option.getOrThrow)

/** The runs once all of them have ended. */
export const ended = (
  { engine }: StartedEngine,
  runIds: ReadonlyArray<RunId>
): Effect.Effect<ReadonlyArray<RunDocument>> =>
  Effect.orDie(engine.awaitRuns(runIds)).pipe(
    Effect.timeoutFail({
      duration: askedMillisMax,
      onTimeout: () => new Error(`Not all of ${runIds.length} runs ended within ${askedMillisMax} ms`)
    }),
    Effect.orDie
  )
