/**
 * One attempt of a run, from the claim to the commit that ends it.
 *
 * 1. The claim and the end are commits under one lease token; between them the run is this worker's.
 * 2. Whatever the executor does, the attempt ends: with its outcome, as canceled, as timed out, or as lost.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { EventDocument } from "../event/EventDocument.ts"
import { Events } from "../event/Events.ts"
import { type AttemptOutcome, Executor, type StepInvocation } from "../executor/Executor.ts"
import { type AttemptId, LeaseToken, makeAttemptId, type RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { AttemptDocument, RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import { Store } from "../store/Store.ts"
import {
  type AttemptSignal,
  failedOutcome,
  notServedOutcome,
  outcomeOfExit,
  stoppedOutcome
} from "./AttemptOutcomes.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import { followUpsOf } from "./FollowUps.ts"
import * as OutputWriter from "./OutputWriter.ts"

/** How long past its own time-out an executor may take to end a step before the engine gives up on it, in milliseconds. */
const executorOverrunMillis = 60_000

/** How often the end of an attempt is offered again to a store that refuses it, and after how long. */
const endRetriesMax = 60
const endRetryPauseMillis = 1_000
const endRetries = Schedule.intersect(Schedule.recurs(endRetriesMax), Schedule.spaced(endRetryPauseMillis))

/** Makes the function that runs attempts. */
export const make = (dispatcher: Dispatcher, settings: EngineSettings) =>
  Effect.gen(function* () {
    const store = yield* Store
    const executor = yield* Executor

    const lease = (attemptId: AttemptId, token: LeaseToken) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        store.driver.leases.put(attemptId, {
          token,
          workerId: settings.workerId,
          expiresAt: now + settings.leaseMillis
        })
      )

    /**
     * Leases before it commits: an attempt without a lease looks lost to every other engine. The lease of a claim that
     * fails does no harm, because only the token in the log ends an attempt; it expires.
     */
    const claim = Effect.fnUntraced(function* (runId: RunId) {
      const leaseToken = LeaseToken.make(globalThis.crypto.randomUUID())
      const { workerId } = settings
      const run = yield* store.transact((transaction) =>
        Effect.gen(function* () {
          const { now } = transaction
          const claimed = yield* dispatcher.commandRun(transaction, runId, {
            _tag: "StartAttempt",
            workerId,
            leaseToken,
            now
          })
          yield* lease(makeAttemptId(runId, claimed.attempts.length), leaseToken)
          return claimed
        })
      )
      const attempt = run.attempts.at(-1)
      return attempt === undefined
        ? yield* Effect.dieMessage(`run ${runId} was claimed and has no attempt`)
        : { run, attempt }
    })

    /**
     * Renews the lease while the attempt lasts. Stops the step when another engine canceled or recovered its run, and when
     * its executor did not end it in time.
     */
    const heartbeat = (
      { id, leaseToken }: AttemptDocument,
      { id: runId, plan }: RunDocument,
      stop: Deferred.Deferred<AttemptSignal>,
      startedAt: number
    ): Effect.Effect<never> =>
      Effect.gen(function* () {
        yield* Effect.sleep(settings.leaseMillis / 3)
        const now = yield* Clock.currentTimeMillis
        yield* store.driver.leases.renew(id, leaseToken, now + settings.leaseMillis, now)
        const run = Option.getOrUndefined(yield* store.load(Runs, runId))
        if (run?.attempts.at(-1)?.leaseToken !== leaseToken || run.processStatus !== "running") {
          yield* Deferred.succeed(stop, "lost")
        } else if (run.cancelRequested) {
          yield* Deferred.succeed(stop, "canceled")
        } else if (now - startedAt > plan.timeoutMillis + executorOverrunMillis) {
          yield* Deferred.succeed(stop, "timeout")
        }
      }).pipe(
        Effect.catchAll((error) => Effect.logWarning(`The lease of attempt ${id} was not renewed`, error)),
        Effect.forever
      )

    const recordProcess =
      (run: RunDocument, attempt: AttemptDocument) => (process: { readonly pid: number }) =>
        store
          .transact((transaction) =>
            dispatcher.commandRun(transaction, run.id, {
              _tag: "RecordProcess",
              attemptId: attempt.id,
              leaseToken: attempt.leaseToken,
              process
            })
          )
          .pipe(
            Effect.asVoid,
            Effect.catchAll((error) =>
              Effect.logWarning(`The process of attempt ${attempt.id} was not recorded`, error)
            )
          )

    /** Runs the step until it ends or is told to stop, and says what came of it. */
    const supervise = Effect.fnUntraced(function* (
      run: RunDocument,
      attempt: AttemptDocument,
      event: EventDocument,
      stop: Deferred.Deferred<AttemptSignal>
    ) {
      if (!executor.runners.includes(run.plan.runner))
        return notServedOutcome(run.plan.runner, executor.runners)
      const write = OutputWriter.make(store.driver.outputs, attempt.id, run.plan.outputBytesMax)
      const step = yield* Effect.fork(
        Effect.suspend(() =>
          executor.execute(invocationOf(run, attempt, event, settings), {
            onOutput: (chunk) =>
              Effect.catchAll(write(chunk), (error) =>
                Effect.logWarning(`Output of attempt ${attempt.id} was not kept`, error)
              ),
            onStarted: recordProcess(run, attempt)
          })
        ).pipe(Effect.onExit(() => Deferred.succeed(stop, "ended")))
      )
      const reason = yield* Deferred.await(stop)
      if (reason === "ended") return outcomeOfExit(yield* Fiber.await(step))
      const exit = yield* Fiber.interrupt(step)
      return Exit.isSuccess(exit) ? exit.value : stoppedOutcome(reason, run.plan.timeoutMillis)
    })

    /**
     * Commits the end, again and again while the store refuses: the step has done its work, and forgetting it would do the
     * work twice. An end that the store took although it said no shows as `LeaseLost` the next time.
     */
    const end = (run: RunDocument, attempt: AttemptDocument, outcome: AttemptOutcome) =>
      Effect.gen(function* () {
        const jitter = yield* Random.next
        yield* store
          .transact((transaction) =>
            dispatcher.commandRun(transaction, run.id, {
              _tag: "EndAttempt",
              attemptId: attempt.id,
              leaseToken: attempt.leaseToken,
              outcome,
              now: transaction.now,
              jitter,
              ...refusalOf(run, outcome, transaction.now)
            })
          )
          .pipe(
            Effect.tapErrorTag("StoreError", (error) =>
              Effect.logWarning(`The end of attempt ${attempt.id} was not written yet`, error)
            ),
            Effect.retry({ while: ({ _tag }) => _tag === "StoreError", schedule: endRetries }),
            Effect.catchTag("LeaseLost", ({ message }) => Effect.logInfo(message))
          )
        yield* store.driver.leases.remove(attempt.id)
      })

    return Effect.fn("Attempt.run")(function* (runId: RunId, stop: Deferred.Deferred<AttemptSignal>) {
      const { run, attempt } = yield* claim(runId)
      yield* Effect.annotateCurrentSpan({ runId, attemptId: attempt.id })
      const startedAt = yield* Clock.currentTimeMillis
      const beating = yield* Effect.fork(heartbeat(attempt, run, stop, startedAt))
      const event = yield* store.load(Events, run.eventId)
      const outcome = Option.isSome(event)
        ? yield* supervise(run, attempt, event.value, stop)
        : failedOutcome({ _tag: "NotStarted", reason: "unknown event" }, `Unknown event: ${run.eventId}`)
      yield* end(run, attempt, outcome)
      yield* Fiber.interrupt(beating)
    })
  })

// --- internal ---

const invocationOf = (
  run: RunDocument,
  attempt: AttemptDocument,
  { event }: EventDocument,
  settings: EngineSettings
): StepInvocation =>
  withoutUndefined({
    flow: withoutUndefined({
      name: run.flowName,
      version: run.flowVersion,
      root: run.flowRoot,
      step: run.stepName,
      config: run.config
    }),
    plan: run.plan,
    event,
    runId: run.id,
    attemptId: attempt.id,
    replay: run.generation > 0,
    launchedBy: settings.launchedBy,
    workspaceBackendUrl: settings.workspaceBackendUrl
  })

const refusalOf = (run: RunDocument, outcome: AttemptOutcome, now: number): { readonly refusal?: string } =>
  outcome.error === undefined
    ? Either.match(followUpsOf(run, outcome.result, now), {
        onLeft: (refusal) => ({ refusal }),
        onRight: () => ({})
      })
    : {}
