/**
 * One attempt of a run, from its claim to the commit that ends it.
 *
 * 1. The claim (`Claim.ts`) and the end are commits under one lease token; between them the run is this worker's.
 * 2. Whatever the executor does, the attempt ends: with its outcome, as canceled, as timed out, or as lost.
 * 3. A worker that finds that it does not hold the attempt any more stops its step.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { EventDocument } from "../event/EventDocument.ts"
import { Events } from "../event/Events.ts"
import { Executor, type StepApproval, type StepInvocation } from "../executor/Executor.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { Approval } from "../run/Approval.ts"
import { Runs } from "../run/Runs.ts"
import { type Placed, Store } from "../store/Store.ts"
import {
  type AttemptSignal,
  failedOutcome,
  notServedOutcome,
  outcomeOfExit,
  stoppedOutcome
} from "./AttemptOutcomes.ts"
import * as AttemptWrites from "./AttemptWrites.ts"
import type { ClaimedRun } from "./Claim.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import type { HandingOver } from "./StartingNow.ts"

/** How long past its own time-out an executor may take to end a step before the engine gives up on it, in milliseconds. */
const executorOverrunMillis = 60_000

type Stop = Deferred.Deferred<AttemptSignal>

/** Makes the function that runs an attempt which was claimed, until it ends or is told to stop, and hands its slot over. */
export const make = (dispatcher: Dispatcher, settings: EngineSettings) =>
  Effect.gen(function* () {
    const store = yield* Store
    const executor = yield* Executor
    const writesOf = yield* AttemptWrites.make(dispatcher, settings)
    return Effect.fn("Attempt.run")(function* (claimed: ClaimedRun, stop: Stop, handingOver: HandingOver) {
      const { run, attempt } = claimed
      yield* Effect.annotateCurrentSpan({ runId: run.id, attemptId: attempt.id })
      const writes = writesOf(claimed)
      const beating = yield* Effect.fork(heartbeat(store, settings, claimed, writes, stop))
      const event = yield* store.loadPlaced(Events, run.eventId)
      const outcome = Option.isSome(event)
        ? yield* supervise(executor, invocationOf(claimed, event.value, settings), writes, stop)
        : failedOutcome({ _tag: "NotStarted", reason: "unknown event" }, `Unknown event: ${run.eventId}`)
      yield* writes.end(outcome, handingOver)
      yield* Fiber.interrupt(beating)
    })
  })

// --- internal ---

/**
 * Renews the lease while the attempt lasts. Stops the step when the lease is lost, when another engine canceled or recovered
 * its run, and when its executor did not end it in time.
 */
const heartbeat = (
  store: typeof Store.Service,
  { leaseMillis }: EngineSettings,
  { run: { id: runId, plan }, attempt: { id, leaseToken } }: ClaimedRun,
  writes: AttemptWrites.AttemptWrites,
  stop: Stop
): Effect.Effect<never> =>
  Effect.flatMap(Clock.currentTimeMillis, (startedAt) =>
    Effect.gen(function* () {
      yield* Effect.sleep(leaseMillis / 3)
      if (!(yield* writes.renew)) {
        yield* Deferred.succeed(stop, "expired")
        return yield* Effect.never
      }
      const now = yield* Clock.currentTimeMillis
      const run = Option.getOrUndefined(yield* store.load(Runs, runId))
      if (run?.attempts.at(-1)?.leaseToken !== leaseToken || run.processStatus !== "running") {
        yield* Deferred.succeed(stop, "expired")
      } else if (run.cancelRequested) {
        yield* Deferred.succeed(stop, "canceled")
      } else if (now - startedAt > plan.timeoutMillis + executorOverrunMillis) {
        yield* Deferred.succeed(stop, "timeout")
      }
    }).pipe(
      Effect.catchAll((error) => Effect.logWarning(`The lease of attempt ${id} was not renewed`, error)),
      Effect.forever
    )
  )

/** Runs the step until it ends or is told to stop, and says what came of it. */
const supervise = Effect.fnUntraced(function* (
  executor: typeof Executor.Service,
  invocation: StepInvocation,
  writes: AttemptWrites.AttemptWrites,
  stop: Stop
) {
  const { plan, attemptId } = invocation
  if (!executor.runners.includes(plan.runner)) return notServedOutcome(plan.runner, executor.runners)
  const unlessHeld = (held: boolean) =>
    held ? Effect.void : Effect.asVoid(Deferred.succeed(stop, "expired"))
  const step = yield* Effect.fork(
    Effect.suspend(() =>
      executor.execute(invocation, {
        onOutput: (chunk) =>
          writes.output(chunk).pipe(
            Effect.flatMap(unlessHeld),
            Effect.catchAll((error) =>
              Effect.logWarning(`Output of attempt ${attemptId} was not kept`, error)
            )
          ),
        onStarted: (process) => Effect.flatMap(writes.process(process), unlessHeld)
      })
    ).pipe(Effect.onExit(() => Deferred.succeed(stop, "ended")))
  )
  const reason = yield* Deferred.await(stop)
  if (reason === "ended") return outcomeOfExit(yield* Fiber.await(step))
  const exit = yield* Fiber.interrupt(step)
  return Exit.isSuccess(exit) ? exit.value : stoppedOutcome(reason, plan.timeoutMillis)
})

const invocationOf = (
  { run, attempt }: ClaimedRun,
  { document: { event }, position: eventPosition }: Placed<EventDocument>,
  settings: EngineSettings
): StepInvocation => {
  const approval = run.approvals?.at(-1)
  return withoutUndefined({
    flow: withoutUndefined({
      name: run.flowName,
      version: run.flowVersion,
      root: run.flowRoot,
      step: run.stepName,
      config: run.config
    }),
    plan: run.plan,
    event,
    eventPosition,
    runId: run.id,
    attemptId: attempt.id,
    workerId: attempt.workerId,
    replay: run.generation > 0,
    approval: approval === undefined ? undefined : decisionOf(approval),
    launchedBy: settings.launchedBy,
    workspaceBackendUrl: settings.workspaceBackendUrl
  })
}

const decisionOf = ({ afterAttempts, prompt, ...decision }: Approval): StepApproval => decision
