/**
 * What one attempt writes, each write under its lease: a worker whose lease has run out or was taken writes nothing.
 *
 * 1. The end and the process are checked twice: the facts say whose the attempt is, and the lease says whether it still is.
 *    Output and renewals are checked by the driver in the same step as they are written.
 * 2. A write that is refused is kept as a fact, once for each kind, and counted on the run.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { AttemptOutcome, OutputChunk, ProcessIdentity } from "../executor/Executor.ts"
import type { CatalogSnapshot } from "../flow/Flow.ts"
import { FlowCatalog } from "../flow/FlowCatalog.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { LateWriteKind } from "../run/LateWrite.ts"
import { LeaseLost, type RunCommand } from "../run/RunCommand.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import { lostOutcome } from "./AttemptOutcomes.ts"
import { refusalOf } from "./AttemptRefusal.ts"
import type { ClaimedRun } from "./Claim.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import * as OutputWriter from "./OutputWriter.ts"
import type { HandingOver, WithNext } from "./StartingNow.ts"

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
  /**
   * Keeps which process it is, so that a later engine can end it; false when the lease is not held any more. It is kept with
   * the lease, where leases outlive the process that holds them, and becomes a fact with the end; elsewhere it is a fact at once.
   */
  readonly process: (process: ProcessIdentity) => Effect.Effect<boolean>
  /**
   * Commits the end and gives the lease back in the same commit; again and again while the store refuses: the step has
   * done its work, and forgetting it would do the work twice. The next run may be claimed in that commit.
   */
  readonly end: (outcome: AttemptOutcome, handingOver: HandingOver) => Effect.Effect<void>
}

/** Makes the function that gives an attempt its writes. */
export const make = (dispatcher: Dispatcher, settings: EngineSettings) =>
  Effect.map(Effect.all([Store, FlowCatalog]), ([store, catalog]) => (claimed: ClaimedRun): AttemptWrites => {
    const context: WriteContext = { store, catalog, dispatcher, settings, claimed, untold: {} }
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
      end: (outcome, handingOver) => end(context, outcome, handingOver)
    }
  })

// --- internal ---

interface WriteContext {
  readonly store: typeof Store.Service
  readonly catalog: typeof FlowCatalog.Service
  readonly dispatcher: Dispatcher
  readonly settings: EngineSettings
  readonly claimed: ClaimedRun
  /** The process of the attempt while no fact tells it. */
  readonly untold: { process?: ProcessIdentity }
}

/**
 * Commits a command to the run as the holder of the attempt: refused when the lease in the store is another or has run out.
 * The lease is looked at before the unit; whoever takes it over commits to the run, and this commit then conflicts.
 */
const commitHeld = (
  { store, dispatcher, claimed: { run, attempt } }: WriteContext,
  commandAt: (now: number) => RunCommand,
  options: { readonly snapshot?: CatalogSnapshot; readonly ends?: WithNext } = {}
) =>
  Effect.flatMap(store.driver.leases.get(attempt.id), (lease) =>
    store.commit((unit) => {
      const { ends, snapshot } = options
      if (ends !== undefined) unit.putLease(attempt.id, undefined)
      const commanded = Either.flatMap(
        dispatcher.commandRun(unit, run.id, commandAt(unit.now), snapshot),
        () =>
          lease?.token === attempt.leaseToken && lease.expiresAt > unit.now
            ? Either.void
            : Either.left(new LeaseLost({ runId: run.id, attemptId: attempt.id, reason: "expired" }))
      )
      return ends === undefined ? commanded : ends(unit, commanded)
    })
  )

const recordProcess = (context: WriteContext, process: ProcessIdentity): Effect.Effect<boolean> => {
  const { id: attemptId, leaseToken } = context.claimed.attempt
  const { setProcess } = context.store.driver.leases
  const kept =
    setProcess === undefined
      ? Effect.as(
          commitHeld(context, () => ({ _tag: "RecordProcess", attemptId, leaseToken, process })),
          true
        )
      : Effect.flatMap(Clock.currentTimeMillis, (now) => {
          context.untold.process = process
          return setProcess(attemptId, leaseToken, process, now)
        })
  return kept.pipe(
    Effect.catchTag("LeaseLost", () => Effect.succeed(false)),
    Effect.tap((held) => (held ? Effect.void : refuse(context, "process"))),
    Effect.catchAll((error) =>
      Effect.as(Effect.logWarning(`The process of attempt ${attemptId} was not recorded`, error), true)
    )
  )
}

/**
 * An attempt that is given up as lost is ended by its worker also after its lease ran out, as recovery would: nothing that
 * the step did is written with it.
 */
const end = (
  context: WriteContext,
  outcome: AttemptOutcome,
  handingOver: HandingOver
): Effect.Effect<void> => {
  const { store, catalog, dispatcher, claimed } = context
  const { run, attempt } = claimed
  const { id: attemptId, leaseToken } = attempt
  const isGivenUp = outcome.exit._tag === "Lost"
  let isUnsure = false
  return Effect.gen(function* () {
    const jitter = yield* Random.next
    const commandAt = (now: number): RunCommand => ({
      ...{ _tag: "EndAttempt", attemptId, leaseToken, outcome, now, jitter, ...context.untold },
      ...(isGivenUp ? {} : refusalOf(run, outcome, now))
    })
    const asksForMore = (outcome.result?.next?.length ?? 0) > 0
    const snapshot = asksForMore ? yield* catalog.snapshot : undefined
    yield* (
      isGivenUp
        ? store.commit((unit) => {
            unit.putLease(attemptId, undefined)
            return dispatcher.commandRun(unit, run.id, commandAt(unit.now))
          })
        : handingOver((ends) => commitHeld(context, commandAt, { ...withoutUndefined({ snapshot }), ends }))
    ).pipe(
      Effect.catchTag("StoreError", (error) => {
        isUnsure = true
        return Effect.zipRight(
          Effect.logWarning(`The end of attempt ${attemptId} was not written yet`, error),
          Effect.fail(error)
        )
      }),
      againLater,
      Effect.catchTag("LeaseLost", (error) =>
        isGivenUp
          ? Effect.logInfo(error.message)
          : refuseEnd(context, outcome, isUnsure).pipe(Effect.zipLeft(Effect.logWarning(error.message)))
      )
    )
  }).pipe(Effect.catchAll((error) => Effect.logError(`The end of attempt ${attemptId} was given up`, error)))
}

/** Again and again while the store refuses. Apart from the first try, as an effect with a schedule costs more than a commit. */
const againLater = <A, E extends { readonly _tag: string }>(
  write: Effect.Effect<A, E>
): Effect.Effect<A, E> => {
  const isRefusal = ({ _tag }: E): boolean => _tag === "StoreError"
  return Effect.catchIf(write, isRefusal, () =>
    Effect.delay(Effect.retry(write, { while: isRefusal, schedule: endRetries }), endRetryPauseMillis)
  )
}

/** An end that the store took although it said no finds the attempt ended as it asked for: that is no late write. */
const refuseEnd = (context: WriteContext, outcome: AttemptOutcome, isUnsure: boolean) =>
  Effect.gen(function* () {
    const { store, claimed } = context
    const run = Option.getOrUndefined(yield* store.load(Runs, claimed.run.id))
    const isWritten = run?.attempts.some(
      ({ id, leaseToken, exit }) =>
        id === claimed.attempt.id &&
        leaseToken === claimed.attempt.leaseToken &&
        JSON.stringify(exit) === JSON.stringify(outcome.exit)
    )
    if (!isUnsure || isWritten !== true) yield* refuse(context, "end", summaryOf(outcome))
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
    yield* store.commit((unit) => {
      const { now } = unit
      const refused = { _tag: "RefuseWrite", attemptId, leaseToken, kind } as const
      const kept = dispatcher.commandRun(
        unit,
        run.id,
        summary === undefined ? refused : { ...refused, summary }
      )
      if (Either.isLeft(kept) || kind !== "end") return kept
      const outcome = lostOutcome("its lease ran out before it ended")
      const lost = { _tag: "EndAttempt", attemptId, leaseToken, outcome, now, jitter } as const
      unit.putLease(attemptId, undefined)
      const ended = dispatcher.commandRun(unit, run.id, { ...lost, ...context.untold })
      return Either.isLeft(ended) && ended.left._tag !== "LeaseLost" ? ended : kept
    })
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
