/** What the one writer does when the disk refuses, when the store closes, and how many syncs it takes. */
import { expect } from "bun:test"
import { Store } from "@patchmoi/core/store/Store"
import { it } from "@patchmoi/core/testing/effectTest"
import { storeContractAggregates } from "@patchmoi/core/testing/StoreContract"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { layer } from "../src/FileStore.ts"
import { fileOps } from "../src/internal/fileOps.ts"
import { verify } from "../src/LogMaintenance.ts"
import { commitOf, open, segmentsOf, temporaryFolder } from "./support.ts"

/** Operations whose disk can be told to refuse, and that count their syncs. */
const faulty = () => {
  const state = { failWrite: false, failSync: false, syncs: 0 }
  const refuse = () => new Error("ENOSPC: no space left on device")
  const ops = {
    ...fileOps,
    write: (file: number, bytes: Uint8Array) => {
      if (!state.failWrite) return fileOps.write(file, bytes)
      fileOps.write(file, bytes.subarray(0, Math.floor(bytes.length / 2)))
      throw refuse()
    },
    syncLater: (file: number) => {
      state.syncs += 1
      return state.failSync ? Promise.reject(refuse()) : fileOps.syncLater(file)
    }
  }
  return { state, ops }
}

for (const fault of ["failWrite", "failSync"] as const) {
  it.live(`${fault}: nothing is acknowledged any more until the store is opened again`, () =>
    Effect.gen(function* () {
      const directory = yield* temporaryFolder
      const { state, ops } = faulty()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const driver = yield* open(directory, { fileSystem: ops })
          yield* driver.commit(commitOf("account/a", 1))
          state[fault] = true
          const failed = yield* Effect.all(
            [1, 2, 3].map((name) => Effect.flip(driver.commit(commitOf(`account/${name}`, 1)))),
            { concurrency: "unbounded" }
          )
          for (const error of failed) expect(error._tag).toBe("StoreError")
          state[fault] = false
          const later = yield* Effect.flip(driver.commit(commitOf("account/b", 1)))
          expect(later.message).toContain("Open it again")
          const nothing = { expected: [], facts: [], documents: [] }
          expect(yield* Effect.flip(driver.commit(nothing))).toEqual(later)
          expect(yield* driver.head).toBe(1)
          expect(yield* driver.readAfter(0, 10)).toHaveLength(1)
        })
      )
      const driver = yield* open(directory)
      expect((yield* driver.readAfter(0, 1))[0]?.stream).toBe("account/a")
      yield* driver.commit(commitOf("account/a", 2))
      expect((yield* verify({ directory })).flaw).toBeUndefined()
    })
  )
}

it.live("64 writers share writes: far fewer syncs than commits", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const { state, ops } = faulty()
    const driver = yield* open(directory, { fileSystem: ops })
    yield* Effect.forEach(
      Array.from({ length: 64 }, (_, index) => `account/${index}`),
      (stream) =>
        Effect.forEach([1, 2, 3, 4, 5], (version) => driver.commit(commitOf(stream, version)), {
          discard: true
        }),
      { concurrency: "unbounded", discard: true }
    )
    expect(yield* driver.head).toBe(320)
    expect(state.syncs).toBeLessThanOrEqual(32)
  })
)

it.live("closing writes what waits, then refuses", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const scope = yield* Scope.make()
    const driver = yield* Scope.extend(open(directory), scope)
    const waiting = yield* Effect.forEach(Array.from({ length: 20 }), (_, index) =>
      Effect.fork(Effect.either(driver.commit(commitOf(`account/${index}`, 1))))
    )
    yield* Effect.yieldNow()
    yield* Scope.close(scope, Exit.void)
    const results = yield* Effect.forEach(waiting, Fiber.join)
    const acknowledged = results.filter(Either.isRight).length
    expect((yield* Effect.flip(driver.commit(commitOf("account/late", 1)))).message).toContain(
      "it was closed"
    )
    expect((yield* open(directory)).report.head).toBe(acknowledged)
  })
)

it.live("a commit whose fiber is interrupted is whole or not there, and the store goes on", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const gate = yield* Deferred.make<void>()
    const ops = {
      ...fileOps,
      syncLater: (file: number) => Effect.runPromise(Deferred.await(gate)).then(() => fileOps.syncLater(file))
    }
    const driver = yield* open(directory, { fileSystem: ops })
    const fiber = yield* Effect.fork(driver.commit(commitOf("account/a", 1, 3)))
    yield* Effect.yieldNow()
    yield* Effect.yieldNow()
    yield* Fiber.interrupt(fiber)
    expect(yield* driver.head).toBe(0)
    yield* Deferred.succeed(gate, undefined)
    const next = yield* driver.commit(commitOf("account/b", 1))
    expect([1, 4]).toContain(next)
  })
)

it.live("a segment that is full is followed by the next, named by its first fact", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const driver = yield* open(directory, { segmentBytesMax: 300 })
    for (let version = 1; version <= 6; version++) yield* driver.commit(commitOf("account/a", version))
    const names = segmentsOf(directory).map((path) => Number(/(\d{20})\.jsonl$/.exec(path)?.[1]))
    expect(names).toEqual([1, 3, 5])
    expect((yield* driver.readAfter(0, 10)).map(({ position }) => position)).toEqual([1, 2, 3, 4, 5, 6])
  })
)

it.live("facts that are no longer in memory are read from the disk, across segments", () =>
  Effect.gen(function* () {
    const driver = yield* open(yield* temporaryFolder, { segmentBytesMax: 100_000 })
    for (let index = 0; index < 12; index++) {
      yield* driver.commit(commitOf(`account/${index}`, 1, 500, 100))
    }
    const positions = (after: number, limit: number) =>
      Effect.map(driver.readAfter(after, limit), (rows) => rows.map(({ position }) => position))
    // The newest 4,096 of the 6,000 facts are in memory.
    for (const after of [0, 1, 499, 1_900, 1_903, 1_904, 1_905, 5_990, 5_999, 6_000, 7_000]) {
      const expected = Array.from({ length: 600 }, (_, index) => after + 1 + index)
      expect(yield* positions(after, 600)).toEqual(expected.filter((position) => position <= 6_000))
    }
    expect(yield* positions(0, 499)).toHaveLength(499)
    expect(yield* positions(0, 0)).toEqual([])
    expect(yield* positions(0, 10_000)).toHaveLength(6_000)
    const versions = yield* driver.readStream("account/3", 10, 400)
    expect(versions.map(({ version }) => version)).toEqual(
      Array.from({ length: 400 }, (_, index) => 11 + index)
    )
  })
)

it.live("a commit that is too large is refused and leaves the store as it was", () =>
  Effect.gen(function* () {
    const driver = yield* open(yield* temporaryFolder)
    const error = yield* Effect.flip(driver.commit(commitOf("account/a", 1, 1, 65 * 1_048_576)))
    expect(error.message).toContain("nothing of it was written")
    expect(yield* driver.commit(commitOf("account/a", 1))).toBe(1)
  })
)

it.live("the layer gives the store", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const head = Effect.flatMap(Store, ({ driver }) => driver.head)
    const store = layer({ directory, aggregates: storeContractAggregates })
    expect(yield* Effect.provide(head, store)).toBe(0)
  })
)
