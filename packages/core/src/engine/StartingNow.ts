/**
 * Runs that start without a turn of the queue: they are claimed in the very commit that queues them, which saves a commit and
 * a look at the queue. For runs that nothing waits before, while slots are free.
 *
 * 1. What was claimed is started, also when whoever asked has gone away, or the commit failed and was written all the same.
 * 2. A unit that loses against another one claims nothing.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RunId } from "../Ids.ts"
import { Runs } from "../run/Runs.ts"
import type { Store } from "../store/Store.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import type { Claim, ClaimedRun } from "./Claim.ts"
import type { Slots } from "./Slots.ts"

/**
 * Claims runs in the unit of work that queues them, as far as slots are free. To be called each time that the unit runs, with
 * none where it queued none: what an earlier try claimed is then forgotten, as the try itself.
 */
export type ClaimNow = (unit: Unit, runIds: ReadonlyArray<RunId>) => void

/** Does a unit of work whose runs may be claimed in it, and starts those that were; gives what the unit gave and how many that is. */
export type StartingNow = <A, E>(
  work: (claimNow: ClaimNow) => Effect.Effect<A, E>
) => Effect.Effect<readonly [A, number], E>

/** What it works with. */
export interface StartingNowParts {
  readonly store: typeof Store.Service
  readonly slots: Slots
  readonly claim: Claim
  readonly start: (claimed: ClaimedRun) => Effect.Effect<void>
  /** Whether the engine executes at all. */
  readonly mayStart: () => boolean
}

export const makeStartingNow =
  ({ store, slots, claim, start, mayStart }: StartingNowParts): StartingNow =>
  (work) =>
    Effect.suspend(() => {
      let reserved = 0
      let claimed: ReadonlyArray<ClaimedRun> = []
      const release = (): void => {
        slots.release(reserved)
        reserved = 0
      }
      const claimNow: ClaimNow = (unit, runIds) => {
        release()
        reserved = mayStart() ? slots.reserve(runIds.length) : 0
        claimed = runIds.slice(0, reserved).flatMap((runId) => claim.one(unit, runId) ?? [])
      }
      return work(claimNow).pipe(
        Effect.tap(() => Effect.forEach(claimed, start, { discard: true })),
        Effect.tapError(() => Effect.forEach(claimed, startIfWritten(store, start), { discard: true })),
        Effect.map((value) => [value, claimed.length] as const),
        Effect.ensuring(Effect.sync(release)),
        Effect.uninterruptible,
        Effect.disconnect
      )
    })

// --- internal ---

/** A commit that failed may have been written: what it claimed is then this engine's to run. */
const startIfWritten =
  (store: typeof Store.Service, start: StartingNowParts["start"]) =>
  (claimed: ClaimedRun): Effect.Effect<void> =>
    Effect.flatMap(Effect.option(store.load(Runs, claimed.run.id)), (found) => {
      const run = Option.getOrUndefined(Option.flatten(found))
      const isWritten = run?.attempts.at(-1)?.leaseToken === claimed.attempt.leaseToken
      return isWritten ? start(claimed) : Effect.void
    })
