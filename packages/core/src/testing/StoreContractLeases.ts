/** The contract of leases: taken and given back with a commit, renewed by their holder alone, a fence for output. */
import { describe, expect } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { Lease, OutputRecord } from "../store/Driver.ts"
import { it } from "./effectTest.ts"
import { commitOf, type MakeDriver } from "./StoreContractLedger.ts"

/**
 * Holds a driver to this: of many that want a lease one gets it, only its holder renews it, and only before it has run out;
 * it changes hands with a commit or not at all; and fenced output is kept for its holder alone.
 */
export const leaseContract = (make: MakeDriver): void =>
  describe("leases", () => {
    it.live("a lease is kept, replaced and removed", () =>
      Effect.gen(function* () {
        const { leases } = yield* make
        expect(yield* leases.get("a")).toBeUndefined()
        yield* leases.put("a", lease("t1", 1_000))
        expect(yield* leases.get("a")).toEqual(lease("t1", 1_000))
        const withProcess = { ...lease("t2", 2_000), process: { pid: 7, startTicks: 99 } }
        yield* leases.put("a", withProcess)
        expect(yield* leases.get("a")).toEqual(withProcess)
        yield* leases.remove("a")
        yield* leases.remove("never-there")
        expect(yield* leases.get("a")).toBeUndefined()
      })
    )

    it.live("a lease is taken from nobody, from its holder, and when it has run out; not from another", () =>
      Effect.gen(function* () {
        const { leases } = yield* make
        expect(yield* leases.take("name", lease("t1", 1_000), 0)).toBe(true)
        expect(yield* leases.take("name", lease("t2", 5_000), 999)).toBe(false)
        expect(yield* leases.get("name")).toEqual(lease("t1", 1_000))
        expect(yield* leases.take("name", lease("t1", 2_000), 999)).toBe(true)
        expect(yield* leases.take("name", lease("t2", 5_000), 1_999)).toBe(false)
        expect(yield* leases.take("name", lease("t2", 5_000), 2_000)).toBe(true)
        expect(yield* leases.get("name")).toEqual(lease("t2", 5_000))
      })
    )

    it.live(
      "the process of an attempt is noted for its holder alone, and stays when the lease is renewed",
      () =>
        Effect.gen(function* () {
          const { leases } = yield* make
          const { setProcess } = leases
          if (setProcess === undefined) return
          const process = { pid: 7, startTicks: 99 }
          expect(yield* setProcess("a", "t1", process, 0)).toBe(false)
          yield* leases.put("a", lease("t1", 1_000))
          expect(yield* setProcess("a", "t2", process, 999)).toBe(false)
          expect(yield* setProcess("a", "t1", process, 1_000)).toBe(false)
          expect(yield* leases.get("a")).toEqual(lease("t1", 1_000))
          expect(yield* setProcess("a", "t1", process, 999)).toBe(true)
          expect(yield* leases.renew("a", "t1", 2_000, 999)).toBe(true)
          expect(yield* leases.get("a")).toEqual({ ...lease("t1", 2_000), process })
        })
    )

    it.live("of many that want the same lease at once, one gets it", () =>
      Effect.gen(function* () {
        const { leases } = yield* make
        const taken = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, index) => `t${index}`),
          (token) => leases.take("name", lease(token, 1_000), 0),
          { concurrency: "unbounded" }
        )
        expect(taken.filter((got) => got)).toHaveLength(1)
      })
    )

    it.live(
      "a commit takes leases and gives them back, also of several attempts, also one after the other",
      () =>
        Effect.gen(function* () {
          const driver = yield* make
          const { leases } = driver
          yield* driver.commit({
            ...commitOf("account/a", 1),
            leases: [
              { attemptId: "a", lease: lease("t1", 1_000) },
              { attemptId: "b", lease: lease("t2", 1_000) }
            ]
          })
          expect(yield* leases.get("a")).toEqual(lease("t1", 1_000))
          expect(yield* leases.get("b")).toEqual(lease("t2", 1_000))
          yield* driver.commit({
            ...commitOf("account/a", 2),
            leases: [
              { attemptId: "a", lease: undefined },
              { attemptId: "b", lease: undefined },
              { attemptId: "b", lease: lease("t3", 2_000) },
              { attemptId: "never-there", lease: undefined }
            ]
          })
          expect(yield* leases.get("a")).toBeUndefined()
          expect(yield* leases.get("b")).toEqual(lease("t3", 2_000))
        })
    )

    it.live("a commit that conflicts leaves every lease as it was", () =>
      Effect.gen(function* () {
        const driver = yield* make
        yield* driver.commit({
          ...commitOf("account/a", 1),
          leases: [{ attemptId: "a", lease: lease("t1", 1_000) }]
        })
        const refused = yield* Effect.either(
          driver.commit({
            ...commitOf("account/a", 1),
            leases: [
              { attemptId: "a", lease: undefined },
              { attemptId: "b", lease: lease("t2", 1_000) }
            ]
          })
        )
        expect(Either.isLeft(refused)).toBe(true)
        expect(yield* driver.leases.get("a")).toEqual(lease("t1", 1_000))
        expect(yield* driver.leases.get("b")).toBeUndefined()
      })
    )

    it.live("of commits that race for one stream, one takes its lease", () =>
      Effect.gen(function* () {
        const driver = yield* make
        const tokens = Array.from({ length: 16 }, (_, index) => `t${index}`)
        const taken = yield* Effect.forEach(
          tokens,
          (token) =>
            driver
              .commit({
                ...commitOf("account/a", 1),
                leases: [{ attemptId: "a", lease: lease(token, 1_000) }]
              })
              .pipe(
                Effect.as(token),
                Effect.catchTag("VersionConflict", () => Effect.succeed(undefined))
              ),
          { concurrency: "unbounded" }
        )
        const winners = taken.filter((token) => token !== undefined)
        expect(winners).toHaveLength(1)
        expect((yield* driver.leases.get("a"))?.token).toBe(winners[0] ?? "")
      })
    )

    it.live("only the holder of a lease that has not run out renews it", () =>
      Effect.gen(function* () {
        const { leases } = yield* make
        const held = { ...lease("t1", 1_000), process: { pid: 7, startTicks: 99 } }
        expect(yield* leases.renew("a", "t1", 2_000, 0)).toBe(false)
        yield* leases.put("a", held)
        expect(yield* leases.renew("a", "t2", 2_000, 0)).toBe(false)
        expect(yield* leases.renew("a", "t1", 2_000, 1_000)).toBe(false)
        expect(yield* leases.renew("a", "t1", 2_000, 1_001)).toBe(false)
        expect(yield* leases.get("a")).toEqual(held)
        expect(yield* leases.renew("a", "t1", 2_000, 999)).toBe(true)
        expect(yield* leases.get("a")).toEqual({ ...held, expiresAt: 2_000 })
        yield* leases.remove("a")
        expect(yield* leases.renew("a", "t1", 3_000, 1_500)).toBe(false)
        expect(yield* leases.get("a")).toBeUndefined()
      })
    )

    it.live("fenced output is kept for the holder of the lease alone; what is refused drops nothing", () =>
      Effect.gen(function* () {
        const { leases, outputs } = yield* make
        const append = (sequence: number, token: string, now: number) =>
          outputs.append("a", [record(sequence)], { from: 0, before: sequence }, { token, now })
        const kept = Effect.map(outputs.read("a", 0, 100), (records) =>
          records.map(({ sequence }) => sequence)
        )
        expect(yield* append(0, "t1", 0)).toBe(false)
        yield* leases.put("a", lease("t1", 1_000))
        expect(yield* outputs.append("a", [record(0)], undefined, { token: "t1", now: 999 })).toBe(true)
        expect(yield* append(1, "t2", 0)).toBe(false)
        expect(yield* append(1, "t1", 1_000)).toBe(false)
        yield* leases.put("a", lease("t2", 5_000))
        expect(yield* append(1, "t1", 0)).toBe(false)
        yield* leases.remove("a")
        expect(yield* append(1, "t2", 0)).toBe(false)
        expect(yield* kept).toEqual([0])
        expect(yield* outputs.append("a", [record(1)], undefined, undefined)).toBe(true)
        expect(yield* kept).toEqual([0, 1])
      })
    )
  })

// --- internal ---

const lease = (token: string, expiresAt: number): Lease => ({ token, workerId: "w", expiresAt })

const record = (sequence: number): OutputRecord => ({
  sequence,
  offset: sequence,
  bytes: 1,
  stream: "stdout",
  at: 1_760_000_000_000,
  text: "x"
})
