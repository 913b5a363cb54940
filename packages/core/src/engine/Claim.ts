/**
 * Claims queued runs for this engine: several in one unit of work, each with its places under the limits and its lease, so
 * that a claim is one commit. Whatever was faster or is full is left out, and the rest is claimed all the same.
 */
import * as Effect from "effect/Effect"
import { LeaseToken, type RunId } from "../Ids.ts"
import { hasRoom, Limits, limitsOf } from "../limit/Limits.ts"
import type { AttemptDocument, RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import { Store } from "../store/Store.ts"
import type { Transaction } from "../store/UnitOfWork.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"

/** A run that this engine has, with the attempt under which it has it. */
export interface ClaimedRun {
  readonly run: RunDocument
  readonly attempt: AttemptDocument
}

/** Makes the function that claims runs and gives those that it could claim. */
export const make = (dispatcher: Dispatcher, settings: EngineSettings) =>
  Effect.gen(function* () {
    const store = yield* Store

    const claimOne = Effect.fnUntraced(
      function* (transaction: Transaction, runId: RunId) {
        const queued = yield* transaction.load(Runs, runId)
        if (queued === undefined) return undefined
        const limits = limitsOf(queued, settings.concurrencyPerFlow)
        for (const limit of limits) {
          if (!hasRoom(yield* transaction.load(Limits, limit.limitId), limit)) return undefined
        }
        const leaseToken = LeaseToken.make(globalThis.crypto.randomUUID())
        const { now } = transaction
        const { workerId, leaseMillis } = settings
        const run = yield* dispatcher.commandRun(transaction, runId, {
          _tag: "StartAttempt",
          workerId,
          leaseToken,
          ...(limits.length === 0 ? {} : { limits: limits.map(({ limitId }) => limitId) }),
          now
        })
        const attempt = run.attempts.at(-1)
        if (attempt === undefined)
          return yield* Effect.dieMessage(`run ${runId} was claimed and has no attempt`)
        transaction.putLease(attempt.id, { token: leaseToken, workerId, expiresAt: now + leaseMillis })
        return { run, attempt } satisfies ClaimedRun
      },
      Effect.catchTags({
        RunNotReady: () => Effect.succeed(undefined),
        UnknownRun: Effect.die,
        LeaseLost: Effect.die,
        RunAlreadyEnded: Effect.die,
        RunNotAwaitingApproval: Effect.die,
        InvalidDecision: Effect.die
      })
    )

    return (runIds: ReadonlyArray<RunId>) =>
      Effect.map(
        store.transact((transaction) => Effect.forEach(runIds, (runId) => claimOne(transaction, runId))),
        (claimed) => claimed.filter((run) => run !== undefined)
      )
  })
