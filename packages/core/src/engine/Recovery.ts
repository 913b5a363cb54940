/**
 * Ends the attempts that nobody stands behind, so that no run stays `running` for ever: those whose lease ran out, and those
 * whose worker is known to be dead. The fence stays the lease token: whoever was given up by mistake can write no more.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { Executor } from "../executor/Executor.ts"
import type { RunId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import { Store } from "../store/Store.ts"
import { lostOutcome } from "./AttemptOutcomes.ts"
import type { Dispatcher } from "./Dispatcher.ts"
import type { EngineSettings } from "./EngineOptions.ts"

/** How often a running engine looks for workers that died, in milliseconds, where it can know. */
export const deadWorkerLookMillis = 2_000

/** The wait between two recoveries of a running engine, in milliseconds. */
export const recoveryMillis = ({ isWorkerDead, leaseMillis }: EngineSettings): number =>
  isWorkerDead === undefined ? leaseMillis : Math.min(leaseMillis, deadWorkerLookMillis)

/**
 * Makes the effect that recovers what is lost now, and gives the ids of the runs that it recovered. Of several engines that
 * recover at once, one ends each attempt: the others find that it has ended.
 */
export const make = (
  dispatcher: Dispatcher,
  { isWorkerDead = neverKnown }: Pick<EngineSettings, "isWorkerDead">,
  leavesAlone: (runId: RunId) => boolean
) =>
  Effect.gen(function* () {
    const store = yield* Store
    const executor = yield* Executor

    const recoverOne = Effect.fnUntraced(
      function* (run: RunDocument) {
        const attempt = run.attempts.at(-1)
        if (attempt === undefined || leavesAlone(run.id)) return []
        const lease = yield* store.driver.leases.get(attempt.id)
        const now = yield* Clock.currentTimeMillis
        if (lease !== undefined && lease.expiresAt > now && !(yield* isWorkerDead(lease.workerId))) return []
        const process = attempt.process ?? lease?.process
        yield* (process === undefined
          ? executor.endUnrecorded?.(attempt.id, attempt.workerId)
          : executor.endOrphan?.(process)) ?? Effect.void
        const jitter = yield* Random.next
        const reason = `worker ${attempt.workerId} stopped without ending it`
        yield* store.commit((unit) => {
          unit.putLease(attempt.id, undefined)
          return dispatcher.commandRun(unit, run.id, {
            _tag: "EndAttempt",
            attemptId: attempt.id,
            leaseToken: attempt.leaseToken,
            outcome: lostOutcome(reason),
            ...withoutUndefined({ process }),
            now: unit.now,
            jitter
          })
        })
        yield* Effect.logInfo(`Recovered run ${run.id}: ${reason}`)
        return [run.id]
      },
      Effect.catchTags({
        // Another engine was faster: there is nothing to recover any more.
        LeaseLost: () => Effect.succeed([]),
        UnknownRun: Effect.die,
        RunNotReady: Effect.die,
        RunAlreadyEnded: Effect.die,
        RunNotAwaitingApproval: Effect.die,
        InvalidDecision: Effect.die
      })
    )

    return Effect.gen(function* () {
      const recovered: Array<RunId> = []
      let cursor: string | undefined
      do {
        const page = yield* store.list(Runs, {
          index: "byStatus",
          prefix: ["running"],
          order: "ascending",
          ...(cursor === undefined ? {} : { cursor })
        })
        for (const run of page.items) {
          recovered.push(...(yield* recoverOne(run)))
        }
        cursor = page.cursor
      } while (cursor !== undefined)
      return recovered
    }).pipe(Effect.catchTag("CursorInvalid", Effect.die), Effect.withSpan("Recovery.recover"))
  })

// --- internal ---

const neverKnown: NonNullable<EngineSettings["isWorkerDead"]> = () => Effect.succeed(false)
