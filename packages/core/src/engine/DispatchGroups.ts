/**
 * Dispatches that come together are one unit of work: what a unit costs, whatever is in it, is paid once for all of them.
 *
 * 1. Nobody waits for company: whoever comes while none is under way is a group alone, and those that come meanwhile are the
 *    next one.
 * 2. Each is answered for itself. One that is refused has appended nothing; where a group loses against another writer, or
 *    one of it breaks down, each runs alone.
 * 3. What has begun goes on when a caller goes away.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import type { DispatchOutcome } from "./Dispatcher.ts"

/** Most dispatches of one group. */
const groupMax = 64

/** What one dispatch does, in plain code; Left has appended nothing. It may run more than once. */
export type DispatchWork<E> = (unit: Unit) => Either.Either<DispatchOutcome, E>

/** Does one dispatch, with those that come at the same time. */
export type JoinGroup = <E>(
  work: DispatchWork<E>
) => Effect.Effect<DispatchOutcome, E | StoreError | VersionConflict>

/** Commits the works of a group as one, and gives what each of them gave. */
export type CommitGroup = (
  works: ReadonlyArray<DispatchWork<unknown>>
) => Effect.Effect<ReadonlyArray<Either.Either<DispatchOutcome, unknown>>, StoreError | VersionConflict>

/** Makes the groups over what commits one. */
export const makeDispatchGroups = (commit: CommitGroup): Effect.Effect<JoinGroup> =>
  Effect.map(Effect.runtime(), (runtime) => {
    let waiting: Array<Waiting> = []
    let isBusy = false

    const answer = (group: ReadonlyArray<Waiting>): Effect.Effect<void> =>
      Effect.matchCauseEffect(commit(group.map(({ work }) => work)), {
        onSuccess: (outcomes) =>
          Effect.sync(() => {
            for (const [index, outcome] of outcomes.entries()) group[index]?.resume(outcome)
          }),
        onFailure: (cause) =>
          group.length > 1 && !mayBeWritten(cause)
            ? Effect.forEach(group, (one) => answer([one]), { discard: true })
            : Effect.sync(() => {
                for (const { resume } of group) resume(Effect.failCause(cause))
              })
      })

    const work = Effect.gen(function* () {
      while (waiting.length > 0) {
        const group = waiting.slice(0, groupMax)
        waiting = waiting.slice(groupMax)
        yield* answer(group)
      }
    }).pipe(Effect.ensuring(Effect.sync(() => (isBusy = false))))

    const join: JoinGroup = <E>(dispatch: DispatchWork<E>) =>
      Effect.async<DispatchOutcome, E | StoreError | VersionConflict>((resume) => {
        waiting.push({
          work: dispatch,
          // Its own work gave the failure.
          resume: (answered) => resume(answered as Effect.Effect<DispatchOutcome, E>)
        })
        if (isBusy) return
        isBusy = true
        Runtime.runFork(runtime)(work)
      })
    return join
  })

// --- internal ---

interface Waiting {
  readonly work: DispatchWork<unknown>
  readonly resume: (answer: Effect.Effect<DispatchOutcome, unknown>) => void
}

/** Then nobody may run again. */
const mayBeWritten = (cause: Cause.Cause<StoreError | VersionConflict>): boolean =>
  Option.exists(Cause.failureOption(cause), ({ _tag }) => _tag === "StoreError")
