/**
 * Dispatches that come together are one unit of work: what a unit costs, whatever is in it, is paid once for all of them.
 *
 * 1. Nobody waits for company that does not come: a group is closed by the first turn of the event loop that brings nobody
 *    new, and after {@link turnsMax} at the latest. Callers that are answered together ask again together, and are read from
 *    their connections in a turn or two; half of them in one commit and half in the next would be twice as many commits.
 * 2. Each is answered for itself. One that is refused has appended nothing; where a group loses against another writer, or
 *    one of it breaks down, each runs alone.
 * 3. What has begun goes on when a caller goes away.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Runtime from "effect/Runtime"
import { nextTurn } from "../internal/nextTurn.ts"
import type { StoreError, VersionConflict } from "../store/Log.ts"
import type { Unit } from "../store/UnitOfWork.ts"
import type { DispatchOutcome } from "./Dispatcher.ts"

/** Most dispatches of one group. */
const groupMax = 64

/** Most turns that a group is open for. */
const turnsMax = 4

/** What one dispatch does, in plain code; Left has appended nothing. It may run more than once. */
export type DispatchWork<E> = (unit: Unit) => Either.Either<DispatchOutcome, E>

/** Does one dispatch, with those that come at the same time. */
export type JoinGroup = <E>(
  work: DispatchWork<E>
) => Effect.Effect<DispatchOutcome, E | StoreError | VersionConflict>

/** Does the works of a group in one commit. Each gives what came of it, or nothing when it was refused. */
export type CommitGroup = (
  works: ReadonlyArray<(unit: Unit) => Option.Option<DispatchOutcome>>
) => Effect.Effect<void, StoreError | VersionConflict>

/** Makes the groups over what commits one. */
export const makeDispatchGroups = (commit: CommitGroup): Effect.Effect<JoinGroup> =>
  Effect.map(Effect.runtime(), (runtime) => {
    let waiting: Array<Member> = []
    let isBusy = false

    const answer = (group: ReadonlyArray<Member>): Effect.Effect<void> =>
      Effect.matchCauseEffect(commit(group.map(({ work }) => work)), {
        onSuccess: () =>
          Effect.sync(() => {
            for (const member of group) member.answer()
          }),
        onFailure: (cause) =>
          group.length > 1 && !mayBeWritten(cause)
            ? Effect.forEach(group, (member) => answer([member]), { discard: true })
            : Effect.sync(() => {
                for (const member of group) member.fail(cause)
              })
      })

    const gather = Effect.gen(function* () {
      for (let turn = 0, seen = 0; turn < turnsMax && seen < waiting.length && seen < groupMax; turn++) {
        seen = waiting.length
        yield* nextTurn
      }
    })

    const answerAll = Effect.gen(function* () {
      while (waiting.length > 0) {
        yield* gather
        const group = waiting.slice(0, groupMax)
        waiting = waiting.slice(groupMax)
        yield* answer(group)
      }
    }).pipe(
      Effect.ensuring(
        Effect.sync(() => {
          isBusy = false
        })
      )
    )

    return <E>(work: DispatchWork<E>) =>
      Effect.async<DispatchOutcome, E | StoreError | VersionConflict>((resume) => {
        waiting.push(makeMember(work, resume))
        if (isBusy) return
        isBusy = true
        Runtime.runFork(runtime)(answerAll)
      })
  })

// --- internal ---

/** A dispatch and who waits for it. */
interface Member {
  /** Does the dispatch and keeps what came of it for `answer`. */
  readonly work: (unit: Unit) => Option.Option<DispatchOutcome>
  readonly answer: () => void
  readonly fail: (cause: Cause.Cause<StoreError | VersionConflict>) => void
}

const makeMember = <E>(
  work: DispatchWork<E>,
  resume: (answer: Effect.Effect<DispatchOutcome, E | StoreError | VersionConflict>) => void
): Member => {
  let result: Either.Either<DispatchOutcome, E> | undefined
  return {
    work: (unit) => {
      result = work(unit)
      return Either.getRight(result)
    },
    answer: () => {
      if (result !== undefined) resume(result)
    },
    fail: (cause) => resume(Effect.failCause(cause))
  }
}

/** Then nobody may run again. */
const mayBeWritten = (cause: Cause.Cause<StoreError | VersionConflict>): boolean =>
  Option.exists(Cause.failureOption(cause), ({ _tag }) => _tag === "StoreError")
