/**
 * Runs that start without a turn of the queue: they are claimed in a commit that has something else to say, which saves a
 * commit. Either in the one that queues them, for runs that nothing waits before, while slots are free; or in the one that
 * ends an attempt, whose slot they take over.
 *
 * 1. What was claimed is started, also when the commit failed and was written all the same.
 * 2. A unit that loses against another one claims nothing.
 */
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Option from "effect/Option"
import type { RunId } from "../Ids.ts"
import { Runs } from "../run/Runs.ts"
import type { Store } from "../store/Store.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import type { Claim, ClaimedRun } from "./Claim.ts"

/**
 * Claims runs in the unit of work of the caller, as far as there is place for them. To be called each time that the unit runs,
 * with none where none may start: what an earlier try claimed is then forgotten, as the try itself.
 */
export type ClaimNow = (unit: Unit, runIds: ReadonlyArray<RunId>) => void

/** Does a unit of work in which runs may be claimed, and starts those that were; gives what the unit gave and how many that is. */
export type StartingNow = <A, E>(
  work: (claimNow: ClaimNow) => Effect.Effect<A, E>
) => Effect.Effect<readonly [A, number], E>

/** Lets the next run of the queue be claimed with what a unit of work has decided, unless that is Left. To be called last in it. */
export type WithNext = <A, E>(unit: Unit, decided: Either.Either<A, E>) => Either.Either<A, E>

/** Does the unit of work that ends an attempt, and starts the run that takes over its slot. */
export type HandingOver = <A, E>(work: (withNext: WithNext) => Effect.Effect<A, E>) => Effect.Effect<A, E>

/** Where what is claimed will run. */
export interface Places {
  /** Sets aside up to so many places, and gives how many. */
  readonly reserve: (wanted: number) => number
  /** Gives back what `reserve` gave: what was claimed has started, or nothing will. */
  readonly release: (granted: number) => void
}

/** What it works with. */
export interface StartingNowParts {
  readonly store: typeof Store.Service
  readonly claim: Claim
  readonly start: (claimed: ClaimedRun) => Effect.Effect<void>
}

/** Not to be interrupted: what it has claimed it starts. */
export const makeStartingNow =
  ({ store, claim, start }: StartingNowParts) =>
  (places: Places): StartingNow =>
  (work) =>
    Effect.suspend(() => {
      let reserved = 0
      let claimed: ReadonlyArray<ClaimedRun> = []
      const release = (): void => {
        places.release(reserved)
        reserved = 0
      }
      const claimNow: ClaimNow = (unit, runIds) => {
        release()
        reserved = runIds.length === 0 ? 0 : places.reserve(runIds.length)
        claimed = runIds.slice(0, reserved).flatMap((runId) => claim.one(unit, runId) ?? [])
      }
      return work(claimNow).pipe(
        Effect.tap(() => Effect.forEach(claimed, start, { discard: true })),
        Effect.tapError(() => Effect.forEach(claimed, startIfWritten(store, start), { discard: true })),
        Effect.map((value) => [value, claimed.length] as const),
        Effect.ensuring(Effect.sync(release)),
        Effect.uninterruptible
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
