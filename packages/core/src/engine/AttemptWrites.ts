/**
 * What one attempt writes, each write under its lease: a worker whose lease has run out or was taken writes nothing.
 *
 * 1. The end and the process are checked twice: the facts say whose the attempt is, and the lease says whether it still is.
 *    Output and renewals are checked by the driver in the same step as they are written.
 * 2. A write that is refused is kept as a fact, once for each kind, and counted on the run.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { AttemptOutcome, OutputChunk, ProcessIdentity } from "../executor/Executor.ts"
import type { LateWriteKind } from "../run/LateWrite.ts"
import { LeaseLost, type RunCommand } from "../run/RunCommand.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { Transaction } from "../store/UnitOfWork.ts"
import { lostOutcome } from "./AttemptOutcomes.ts"
import { refusalOf } from "./AttemptRefusal.ts"
import type { ClaimedRun } from "./Claim.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import * as OutputWriter from "./OutputWriter.ts"

/** How often the end of an attempt is offered again to a store that refuses it, and after how long. */
const endRetriesMax = 60
const endRetryPauseMillis = 1_000
const endRetries = Schedule.intersect(Schedule.recurs(endRetriesMax), Schedule.spaced(endRetryPauseMillis))

/** The writes of one attempt. */
export interface AttemptWrites {
  /** Moves the end of the lease; false when it is not held any more. */
  readonly renew: Effect.Effect<boolean, StoreError>
  /** Keeps output; false when the lease is not held any more, and then without another look. */
  readonly output: (chunk: OutputChunk) => Effect.Effect<boolean, StoreError>
  /** Keeps which process it is, so that a later engine can end it; false when the lease is not held any more. */
  readonly process: (process: ProcessIdentity) => Effect.Effect<boolean>
  /**
   * Commits the end and gives the lease back in the same commit; again and again while the store refuses: the step has
   * done its work, and forgetting it would do the work twice.
   */
  readonly end: (outcome: AttemptOutcome) => Effect.Effect<void>
}

/** Makes the function that gives an attempt its writes. */
export const make = (dispatcher: Dispatcher, settings: EngineSettings) =>
  Effect.map(Store, (store) => (claimed: ClaimedRun): AttemptWrites => {
    const context: WriteContext = { store, dispatcher, settings, claimed }
    const { attempt, run } = claimed
    const { id, leaseToken: token } = attempt
    const write = OutputWriter.make(store.driver.outputs, id, run.plan.outputBytesMax, token)
    let outputRefused = false
    return {
      renew: Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const renewed = yield* store.driver.leases.renew(id, token, now + settings.leaseMillis, now)
        if (!renewed) yield* refuse(context, "heartbeat")
        return renewed
      }),
      output: (chunk) =>
        Effect.gen(function* () {
          if (outputRefused) return false
          if (yield* write(chunk)) return true
          outputRefused = true
          yield* refuse(context, "output")
          return false
        }),
      process: (process) => recordProcess(context, process),
      end: (outcome) => end(context, outcome)
    }
  })

// --- internal ---

interface WriteContext {
  readonly store: typeof Store.Service
  readonly dispatcher: Dispatcher
  readonly settings: EngineSettings
  readonly claimed: ClaimedRun
}

/** Commands the run as the holder of the attempt: refused when the lease in the store is another or has run out. */
const commandHeld = (
  { store, dispatcher, claimed: { run, attempt } }: WriteContext,
  transaction: Transaction,
  command: RunCommand
) =>
  Effect.gen(function* () {
    yield* dispatcher.commandRun(transaction, run.id, command)
    const lease = yield* store.driver.leases.get(attempt.id)
    if (lease?.token === attempt.leaseToken && lease.expiresAt > transaction.now) return
    return yield* new LeaseLost({ runId: run.id, attemptId: attempt.id, reason: "expired" })
  })

const recordProcess = (context: WriteContext, process: ProcessIdentity): Effect.Effect<boolean> => {
  const { attempt } = context.claimed
  return context.store
    .transact((transaction) =>
      commandHeld(context, transaction, {
        _tag: "RecordProcess",
        attemptId: attempt.id,
        leaseToken: attempt.leaseToken,
        process
      })
    )
    .pipe(
      Effect.as(true),
      Effect.catchTag("LeaseLost", () => Effect.as(refuse(context, "process"), false)),
      Effect.catchAll((error) =>
        Effect.as(Effect.logWarning(`The process of attempt ${attempt.id} was not recorded`, error), true)
      )
    )
}

/**
 * An attempt that is given up as lost is ended by its worker also after its lease ran out, as recovery would: nothing that
 * the step did is written with it.
 */
const end = (context: WriteContext, outcome: AttemptOutcome): Effect.Effect<void> => {
  const { store, dispatcher, claimed } = context
  const { run, attempt } = claimed
  const isGivenUp = outcome.exit._tag === "Lost"
  let isUnsure = false
  return Effect.gen(function* () {
    const jitter = yield* Random.next
    yield* store
      .transact((transaction) => {
        const { now } = transaction
        const { id: attemptId, leaseToken } = attempt
        const command = { _tag: "EndAttempt", attemptId, leaseToken, outcome, now, jitter } as const
        transaction.putLease(attempt.id, undefined)
        return isGivenUp
          ? Effect.asVoid(dispatcher.commandRun(transaction, run.id, command))
          : commandHeld(context, transaction, { ...command, ...refusalOf(run, outcome, now) })
      })
      .pipe(
        Effect.tapErrorTag("StoreError", (error) => {
          isUnsure = true
          return Effect.logWarning(`The end of attempt ${attempt.id} was not written yet`, error)
        }),
        Effect.retry({ while: ({ _tag }) => _tag === "StoreError", schedule: endRetries }),
        Effect.catchTag("LeaseLost", (error) =>
          isGivenUp
            ? Effect.logInfo(error.message)
            : refuseEnd(context, outcome, isUnsure).pipe(Effect.zipLeft(Effect.logWarning(error.message)))
        )
      )
  }).pipe(Effect.catchAll((error) => Effect.logError(`The end of attempt ${attempt.id} was given up`, error)))
}

/** An end that the store took although it said no finds the attempt ended as it asked for: that is no late write. */
const refuseEnd = (context: WriteContext, outcome: AttemptOutcome, isUnsure: boolean) =>
  Effect.gen(function* () {
    const { store, claimed } = context
    const written = yield* store.transact((transaction) =>
      Effect.map(transaction.load(Runs, claimed.run.id), (run) =>
        run?.attempts.some(
          ({ id, leaseToken, exit }) =>
            id === claimed.attempt.id &&
            leaseToken === claimed.attempt.leaseToken &&
            JSON.stringify(exit) === JSON.stringify(outcome.exit)
        )
      )
    )
    if (!isUnsure || written !== true) yield* refuse(context, "end", summaryOf(outcome))
  })

/**
 * Keeps that a write was refused. Where the lease ran out and nobody has taken the run over, the end of the attempt as lost
 * goes with a refused end, so that the run does not wait for recovery.
 */
const refuse = (context: WriteContext, kind: LateWriteKind, summary?: string): Effect.Effect<void> => {
  const { store, dispatcher, claimed } = context
  const { run, attempt } = claimed
  const { id: attemptId, leaseToken } = attempt
  return Effect.gen(function* () {
    const jitter = yield* Random.next
    yield* store.transact((transaction) =>
      Effect.gen(function* () {
        const { now } = transaction
        const refused = { _tag: "RefuseWrite", attemptId, leaseToken, kind } as const
        yield* dispatcher.commandRun(
          transaction,
          run.id,
          summary === undefined ? refused : { ...refused, summary }
        )
        if (kind !== "end") return
        const outcome = lostOutcome("its lease ran out before it ended")
        const lost = { _tag: "EndAttempt", attemptId, leaseToken, outcome, now, jitter } as const
        yield* Effect.catchTag(
          dispatcher.commandRun(transaction, run.id, lost),
          "LeaseLost",
          () => Effect.void
        )
        transaction.putLease(attemptId, undefined)
      })
    )
  }).pipe(
    Effect.retry({ while: ({ _tag }) => _tag === "StoreError", schedule: endRetries }),
    Effect.catchAll((error) =>
      Effect.logError(`That a late write of attempt ${attemptId} was refused could not be kept`, error)
    )
  )
}

const summaryOf = ({ error, result }: AttemptOutcome): string => {
  const said = result?.message === undefined ? "" : `: ${result.message}`
  return error ?? `${result?.status ?? "no result"}${said}`
}
