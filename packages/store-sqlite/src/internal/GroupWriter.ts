/**
 * The one way in which this process writes: pieces of work that wait together share one transaction.
 *
 * 1. A transaction begins with `BEGIN IMMEDIATE`: what a piece of work reads in it is still so when it writes.
 * 2. Nothing is acknowledged before `COMMIT` has come back; with `synchronous = FULL` that is after the sync. A group without
 *    history, which is output and leases alone, is not synced: the next sync takes it along.
 * 3. Work that refuses has written nothing and is answered alone. Work that throws takes nobody with it: the
 *    transaction is rolled back and each piece runs in its own.
 * 4. While another process holds the lock, the group waits and grows.
 */
import { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Connection, Synchronous } from "./Connection.ts"
import { isBusy, storeError } from "./sqliteError.ts"
import { patiently } from "./waiting.ts"

/** Most pieces of work that wait; whoever comes then waits to wait. */
const workWaitingMax = 4_096
/** Most pieces of work that share a transaction. */
const groupWorkMax = 1_024

/** What happens around the work of a transaction. */
export interface GroupHooks {
  /** First thing in each transaction. */
  readonly begin: () => void
  /** After a commit, before anyone is answered. */
  readonly committed: () => void
  /** After a rollback. */
  readonly rolledBack: () => void
}

/** What a piece of work writes: `history` has to survive a power loss, what is only `kept` the end of the process. */
export type Weight = "history" | "kept"

/** Writes by one synchronous piece of work; Left says that it refused, before it wrote anything. */
export type Write = <A, E>(
  operation: string,
  work: () => Either.Either<A, E>,
  weight?: Weight
) => Effect.Effect<A, E | StoreError>

/** Starts the writer. Closing the scope writes what waits, then refuses more. */
export const makeGroupWriter = (
  connection: Connection,
  synchronous: Synchronous,
  hooks: GroupHooks
): Effect.Effect<Write, never, Scope.Scope> =>
  Effect.gen(function* () {
    const transaction = makeTransaction(connection, synchronous, hooks)
    const arrivals = yield* Effect.makeLatch(false)
    const room = yield* Effect.makeLatch(true)
    let waiting: Array<Work> = []
    let isClosed = false

    const writer = yield* Effect.gen(function* () {
      while (!isClosed || waiting.length > 0) {
        yield* arrivals.await
        yield* nextTurn
        arrivals.unsafeClose()
        const group = waiting.slice(0, groupWorkMax)
        waiting = waiting.slice(groupWorkMax)
        if (waiting.length > 0) arrivals.unsafeOpen()
        room.unsafeOpen()
        if (group.length > 0) yield* writeGroup(transaction, group)
      }
    }).pipe(Effect.uninterruptible, Effect.forkScoped)

    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        isClosed = true
        arrivals.unsafeOpen()
        return Fiber.join(writer)
      })
    )

    const write: Write = (operation, work, weight = "history") =>
      Effect.suspend(() => {
        if (isClosed) return Effect.fail(new StoreError({ operation, reason: "it was closed" }))
        if (waiting.length >= workWaitingMax) {
          room.unsafeClose()
          return Effect.zipRight(room.await, write(operation, work, weight))
        }
        return Effect.async((resume) => {
          waiting.push(makeWork(operation, weight, work, resume))
          arrivals.unsafeOpen()
        })
      })
    return write
  })

// --- internal ---

/**
 * Returns when the event loop has gone round: those that were answered together ask again together, and what has come in over
 * many connections is read one by one, each with all that follows from it. All of them are to be in the group.
 */
const nextTurn = Effect.async<void>((resume) => {
  setImmediate(() => resume(Effect.void))
})

/** A piece of work and who waits for it. */
interface Work {
  readonly weight: Weight
  /** Does the work and keeps its answer for later. */
  readonly run: () => void
  /** Gives the answer that `run` kept. */
  readonly answer: () => void
  readonly fail: (error: unknown) => void
}

const makeWork = <A, E>(
  operation: string,
  weight: Weight,
  work: () => Either.Either<A, E>,
  resume: (answer: Effect.Effect<A, E | StoreError>) => void
): Work => {
  let result: Either.Either<A, E> | undefined
  return {
    weight,
    run: () => {
      result = work()
    },
    answer: () => {
      if (result !== undefined) resume(result)
    },
    fail: (error) => resume(Effect.fail(storeError(operation, error)))
  }
}

/** How a transaction ended. `unknown`: the commit itself failed, so that nobody may run again. */
type Outcome =
  | { readonly _tag: "done" }
  | { readonly _tag: "busy" | "refused" | "unknown"; readonly error: unknown }

type Transaction = (group: ReadonlyArray<Work>) => Outcome

const writeGroup = (transaction: Transaction, group: ReadonlyArray<Work>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const outcome = transaction(group)
    return outcome._tag === "busy" ? writeLater(transaction, group) : settle(transaction, group, outcome)
  })

/** Apart, as an effect with a schedule costs more than a transaction of one. */
const writeLater = (transaction: Transaction, group: ReadonlyArray<Work>): Effect.Effect<void> =>
  patiently(() => {
    const outcome = transaction(group)
    if (outcome._tag === "busy") throw outcome.error
    return outcome
  }).pipe(
    Effect.catchTag("Refused", ({ thrown }) => Effect.succeed<Outcome>({ _tag: "unknown", error: thrown })),
    Effect.flatMap((outcome) => settle(transaction, group, outcome))
  )

/** What is left to do after a transaction that was not in anyone's way. */
const settle = (
  transaction: Transaction,
  group: ReadonlyArray<Work>,
  outcome: Outcome
): Effect.Effect<void> => {
  if (outcome._tag === "done") return Effect.void
  if (outcome._tag === "refused" && group.length > 1) {
    return Effect.forEach(group, (work) => writeGroup(transaction, [work]), { discard: true })
  }
  return Effect.sync(() => {
    for (const work of group) work.fail(outcome.error)
  })
}

const makeTransaction = (
  connection: Connection,
  synchronous: Synchronous,
  hooks: GroupHooks
): Transaction => {
  const begin = connection.prepare("BEGIN IMMEDIATE")
  const commit = connection.prepare("COMMIT")
  let current = synchronous
  return (group) => {
    let isWritten = false
    try {
      const wanted = group.some(({ weight }) => weight === "history") ? synchronous : "normal"
      // Never prepared: this pragma takes effect when it is compiled.
      if (wanted !== current) connection.run(`PRAGMA synchronous = ${wanted.toUpperCase()}`)
      current = wanted
      begin.run()
      hooks.begin()
      for (const work of group) work.run()
      isWritten = true
      commit.run()
    } catch (error) {
      if (connection.database.inTransaction) connection.run("ROLLBACK")
      hooks.rolledBack()
      return { _tag: isBusy(error) ? "busy" : isWritten ? "unknown" : "refused", error }
    }
    hooks.committed()
    for (const work of group) work.answer()
    return { _tag: "done" }
  }
}
