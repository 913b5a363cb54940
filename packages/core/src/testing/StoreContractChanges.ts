/** The contract of the log as it grows: past then live, each fact once, in order, for every subscriber. */
import { describe, expect } from "bun:test"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { make as makeStore } from "../store/Store.ts"
import { it } from "./effectTest.ts"
import { commitOf, type MakeDriver } from "./StoreContractLedger.ts"

type Store = ReturnType<typeof makeStore>

const writers = 16
const commitsEach = 40

/**
 * Holds a driver to this: whoever follows the log gets each fact once and in order, first the past and then what comes, and
 * finds whatever it is told of in the store.
 */
export const changesContract = (make: MakeDriver): void =>
  describe("changes", () => {
    it.live(
      "several subscribers from any position get each fact once, in order, while 16 writers commit",
      () =>
        Effect.gen(function* () {
          const store = makeStore(yield* make)
          yield* write(store, "past", 20)
          const total = 20 + writers * commitsEach
          const subscribers = yield* Effect.forEach([0, 1, 7, 19, 20, 100], (after) =>
            Effect.fork(positions(store, after, total - after))
          )
          yield* Effect.forEach(
            Array.from({ length: writers }, (_, writer) => `live-${writer}`),
            (stream) => write(store, stream, commitsEach),
            { concurrency: "unbounded" }
          )
          const late = yield* Effect.fork(positions(store, 3, total - 3))
          for (const [at, after] of [0, 1, 7, 19, 20, 100].entries()) {
            const subscriber = subscribers[at]
            const seen = subscriber === undefined ? [] : yield* Fiber.join(subscriber)
            expect(seen).toEqual(Array.from({ length: total - after }, (_, index) => after + index + 1))
          }
          expect(yield* Fiber.join(late)).toHaveLength(total - 3)
        })
    )

    it.live("a fact is visible to whoever is told of it", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        const told = yield* Effect.fork(
          store.changes(0).pipe(
            Stream.take(50),
            Stream.mapEffect((row) =>
              Effect.map(
                store.driver.load("account", "a", row.stream),
                ({ version }) => version >= row.version
              )
            ),
            Stream.runCollect
          )
        )
        yield* write(store, "a", 50)
        expect(Chunk.toReadonlyArray(yield* Fiber.join(told))).toEqual(Array.from({ length: 50 }, () => true))
      })
    )

    it.live("nothing comes before something happens, and closing the scope ends the subscription", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        const scope = yield* Scope.make()
        const seen: Array<number> = []
        const fiber = yield* Effect.forkIn(
          Stream.runForEach(store.changes(0), ({ position }) => Effect.sync(() => seen.push(position))),
          scope
        )
        yield* write(store, "a", 1)
        yield* positions(store, 0, 1)
        while (seen.length === 0) yield* Effect.yieldNow()
        yield* Scope.close(scope, Exit.void)
        yield* write(store, "b", 3)
        expect(Exit.isInterrupted(yield* Fiber.await(fiber))).toBe(true)
        expect(seen).toEqual([1])
      })
    )

    it.live("waiting for a position that is there returns at once, and for a later one when it comes", () =>
      Effect.gen(function* () {
        const store = makeStore(yield* make)
        yield* write(store, "a", 2)
        yield* store.driver.awaitBeyond(1)
        const waiting = yield* Effect.fork(store.driver.awaitBeyond(2))
        yield* write(store, "b", 1)
        yield* Fiber.join(waiting)
        expect(yield* store.driver.head).toBe(3)
      })
    )
  })

// --- internal ---

const write = (store: Store, key: string, commits: number) =>
  Effect.forEach(
    Array.from({ length: commits }, (_, index) => index + 1),
    (version) => store.driver.commit(commitOf(`account/${key}`, version)),
    { discard: true }
  )

const positions = (store: Store, after: number, count: number) =>
  store.changes(after).pipe(
    Stream.take(count),
    Stream.map(({ position }) => position),
    Stream.runCollect,
    Effect.map(Chunk.toReadonlyArray)
  )
