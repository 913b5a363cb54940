/**
 * One attempt of a run, from the claim to the commit that ends it.
 *
 * 1. The claim and the end are commits under one lease token; between them the run is this worker's.
 * 2. Whatever the executor does, the attempt ends: with its outcome, as canceled, as timed out, or as lost.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import type { EventDocument } from "../event/EventDocument.ts"
import { Events } from "../event/Events.ts"
import { type AttemptOutcome, Executor, type ExitCause, type StepInvocation } from "../executor/Executor.ts"
import { LeaseToken, type RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { AttemptDocument, RunDocument } from "../run/RunDocument.ts"
import { Store } from "../store/Store.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import { followUpsOf } from "./FollowUps.ts"
import * as OutputWriter from "./OutputWriter.ts"

/** Why an attempt is told to stop before its step has ended. */
export type StopReason = "canceled" | "lost"

/** How long past its own time-out an executor may take to end a step before the engine gives up on it, in milliseconds. */
const executorOverrunMillis = 60_000

/** Makes the function that runs attempts. */
export const make = (dispatcher: Dispatcher, settings: EngineSettings) =>
  Effect.gen(function* () {
    const store = yield* Store
    const executor = yield* Executor

    const claim = Effect.fnUntraced(function* (runId: RunId) {
      const leaseToken = LeaseToken.make(globalThis.crypto.randomUUID())
      const { workerId } = settings
      const run = yield* store.transact((transaction) =>
        dispatcher.commandRun(transaction, runId, {
          _tag: "StartAttempt",
          workerId,
          leaseToken,
          now: transaction.now
        })
      )
      const attempt = run.attempts.at(-1)
      return attempt === undefined
        ? yield* Effect.dieMessage(`run ${runId} was claimed and has no attempt`)
        : { run, attempt }
    })

    const renewLease = ({ id, leaseToken }: AttemptDocument) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        store.driver.leases.put(id, {
          token: leaseToken,
          workerId: settings.workerId,
          expiresAt: now + settings.leaseMillis
        })
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
      stop: Deferred.Deferred<StopReason>
    ) {
      if (!executor.runners.includes(run.plan.runner)) return notServed(run.plan.runner, executor.runners)
      const write = OutputWriter.make(store.driver.outputs, attempt.id, run.plan.outputBytesMax)
      const step = yield* Effect.fork(
        executor.execute(invocationOf(run, attempt, event, settings), {
          onOutput: (chunk) =>
            Effect.catchAll(write(chunk), (error) =>
              Effect.logWarning(`Output of attempt ${attempt.id} was not kept`, error)
            ),
          onStarted: recordProcess(run, attempt)
        })
      )
      const overrun = Effect.as(
        Effect.sleep(run.plan.timeoutMillis + executorOverrunMillis),
        "timeout" as const
      )
      const stopped = Effect.raceFirst(Deferred.await(stop), overrun)
      const first = yield* Effect.raceFirst(
        Effect.map(Fiber.await(step), (exit) => ({ exit, reason: undefined })),
        Effect.map(stopped, (reason) => ({ exit: undefined, reason }))
      )
      if (first.exit !== undefined) return outcomeOf(first.exit)
      const exit = yield* Fiber.interrupt(step)
      return Exit.isSuccess(exit) ? exit.value : stoppedOutcome(first.reason, run.plan.timeoutMillis)
    })

    const end = (run: RunDocument, attempt: AttemptDocument, outcome: AttemptOutcome) =>
      Effect.gen(function* () {
        const jitter = yield* Random.next
        yield* store.transact((transaction) =>
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
        yield* store.driver.leases.remove(attempt.id)
      })

    return Effect.fn("Attempt.run")(function* (runId: RunId, stop: Deferred.Deferred<StopReason>) {
      const { run, attempt } = yield* claim(runId)
      yield* Effect.annotateCurrentSpan({ runId, attemptId: attempt.id })
      yield* renewLease(attempt)
      const heartbeat = yield* Effect.fork(
        Effect.forever(Effect.zipRight(Effect.sleep(settings.leaseMillis / 3), renewLease(attempt)))
      )
      const event = yield* store.load(Events, run.eventId)
      const outcome = Option.isSome(event)
        ? yield* supervise(run, attempt, event.value, stop)
        : failedOutcome({ _tag: "NotStarted", reason: "unknown event" }, `Unknown event: ${run.eventId}`)
      yield* Fiber.interrupt(heartbeat)
      yield* end(run, attempt, outcome)
    })
  })

/** The outcome of an attempt that ended without the word of its executor. */
export const failedOutcome = (exit: ExitCause, error: string): AttemptOutcome => ({ exit, error })

/** The outcome of an attempt that nobody stands behind any more. */
export const lostOutcome = (reason: string): AttemptOutcome =>
  failedOutcome({ _tag: "Lost", reason }, `The attempt was lost: ${reason}`)

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

const outcomeOf = (exit: Exit.Exit<AttemptOutcome, { readonly message: string }>): AttemptOutcome =>
  Exit.match(exit, {
    onSuccess: (outcome) => outcome,
    onFailure: (cause) =>
      lostOutcome(
        Option.match(Cause.failureOption(cause), {
          onNone: () => Cause.prettyErrors(cause)[0]?.message ?? "the executor was interrupted",
          onSome: ({ message }) => message
        })
      )
  })

const stoppedOutcome = (reason: StopReason | "timeout", timeoutMillis: number): AttemptOutcome => {
  switch (reason) {
    case "canceled":
      return failedOutcome({ _tag: "Canceled" }, "The run was canceled")
    case "lost":
      return lostOutcome("the engine stopped before the step had ended")
    case "timeout":
      return failedOutcome(
        { _tag: "Timeout", timeoutMillis },
        `The step did not end within ${timeoutMillis} ms, and its executor did not end it`
      )
  }
}

const notServed = (runner: string, served: ReadonlyArray<string>): AttemptOutcome =>
  failedOutcome(
    { _tag: "NotStarted", reason: `no executor for runner ${runner}` },
    `No executor serves the runner "${runner}" here (served: ${served.join(", ") || "none"})`
  )

const refusalOf = (run: RunDocument, outcome: AttemptOutcome, now: number): { readonly refusal?: string } =>
  outcome.error === undefined
    ? Either.match(followUpsOf(run, outcome.result, now), {
        onLeft: (refusal) => ({ refusal }),
        onRight: () => ({})
      })
    : {}
