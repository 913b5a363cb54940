/**
 * Claims queued runs for this engine: several in one unit of work, each with its places under the limits and its lease, so
 * that a claim is one commit. Whatever was faster or is full is left out, and the rest is claimed all the same.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { LeaseToken, type RunId } from "../Ids.ts"
import { hasRoom, Limits, limitsOf } from "../limit/Limits.ts"
import type { AttemptDocument, RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"

/** A run that this engine has, with the attempt under which it has it. */
export interface ClaimedRun {
  readonly run: RunDocument
  readonly attempt: AttemptDocument
}

/**
 * Claims queued runs for one engine; {@link make} gives one. A run that is gone, is not queued, is not due or finds a limit
 * full is left out: that is no error.
 */
export interface Claim {
  /** Claims these runs in one commit, and gives those that could be claimed. */
  readonly all: (
    runIds: ReadonlyArray<RunId>
  ) => Effect.Effect<ReadonlyArray<ClaimedRun>, StoreError | VersionConflict>
  /** Claims a run in the unit of work of the caller; undefined when it cannot start now. */
  readonly one: (unit: Unit, runId: RunId) => ClaimedRun | undefined
}

/** Makes what claims runs for this engine. */
export const make = (dispatcher: Dispatcher, settings: EngineSettings) =>
  Effect.map(Store, (store): Claim => {
    const { workerId, leaseMillis } = settings

    const claimOne = (unit: Unit, runId: RunId): ClaimedRun | undefined => {
      const queued = unit.load(Runs, runId)
      if (queued === undefined) return undefined
      const limits = limitsOf(queued, settings.concurrencyPerFlow)
      if (limits.some((limit) => !hasRoom(unit.load(Limits, limit.limitId), limit))) return undefined
      const leaseToken = LeaseToken.make(globalThis.crypto.randomUUID())
      const { now } = unit
      const started = dispatcher.commandRun(unit, runId, {
        _tag: "StartAttempt",
        workerId,
        leaseToken,
        ...(limits.length === 0 ? {} : { limits: limits.map(({ limitId }) => limitId) }),
        now
      })
      if (Either.isLeft(started)) {
        if (started.left._tag === "RunNotReady") return undefined
        throw started.left
      }
      const run = started.right
      const attempt = run.attempts.at(-1)
      if (attempt === undefined) throw new Error(`run ${runId} was claimed and has no attempt`)
      unit.putLease(attempt.id, { token: leaseToken, workerId, expiresAt: now + leaseMillis })
      return { run, attempt }
    }

    return {
      all: (runIds) =>
        store.commit((unit) => Either.right(runIds.flatMap((runId) => claimOne(unit, runId) ?? []))),
      one: claimOne
    }
  })
