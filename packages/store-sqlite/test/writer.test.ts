import { describe, expect } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { CommitTables } from "../src/internal/CommitTables.ts"
import type { Connection, Synchronous } from "../src/internal/Connection.ts"
import { makeGroupWriter } from "../src/internal/GroupWriter.ts"
import { Leases } from "../src/internal/Leases.ts"
import { Outputs } from "../src/internal/Outputs.ts"
import { openDatabase } from "../src/internal/openDatabase.ts"
import { commitOf, open, temporaryFile } from "./support.ts"

/** A writer over a database of which the test holds the connection. */
const makeWriter = Effect.fnUntraced(function* (synchronous: Synchronous = "normal") {
  const filename = yield* temporaryFile
  const connection = yield* openDatabase({ filename, access: "write", synchronous })
  const tables = new CommitTables(connection, new Leases(connection), new Outputs(connection))
  let transactions = 0
  const write = yield* makeGroupWriter(connection, synchronous, {
    begin: () => tables.begin(),
    committed: () => {
      transactions += 1
    },
    rolledBack: () => tables.rolledBack()
  })
  const commit = (stream: string, version = 1, size = 10) =>
    write("write to the log", () => tables.apply(commitOf(stream, version, 1, size)))
  return { connection, write, commit, transactions: () => transactions }
})

const headOf = (connection: Connection): unknown => connection.scalar("SELECT max(position) FROM facts")

describe("the writer of groups", () => {
  for (const synchronous of ["full", "normal"] as const) {
    it.live(`asks the disk (${synchronous}) for history, and for nothing else`, () =>
      Effect.gen(function* () {
        const { connection, write } = yield* makeWriter(synchronous)
        const levels = { normal: 1, full: 2 }
        const level = write("look", () => Either.right(connection.scalar("PRAGMA synchronous")))
        const kept = write("look", () => Either.right(connection.scalar("PRAGMA synchronous")), "kept")
        expect(yield* level).toBe(levels[synchronous])
        expect(yield* kept).toBe(levels.normal)
        expect(yield* level).toBe(levels[synchronous])
        const together = yield* Effect.all([kept, level, kept], { concurrency: "unbounded" })
        expect(together).toEqual([levels[synchronous], levels[synchronous], levels[synchronous]])
      })
    )
  }

  it.live("commits that come together share a transaction, and one that conflicts fails alone", () =>
    Effect.gen(function* () {
      const { commit, transactions } = yield* makeWriter()
      const streams = Array.from({ length: 100 }, (_, index) => commit(`account/${index % 90}`))
      const results = yield* Effect.all(streams.map(Effect.either), { concurrency: "unbounded" })
      expect(results.filter(Either.isLeft)).toHaveLength(10)
      expect(transactions()).toBeLessThan(10)
    })
  )

  it.live("work that throws takes nobody with it", () =>
    Effect.gen(function* () {
      const { commit, write, connection } = yield* makeWriter()
      const broken = write("break", (): Either.Either<number> => {
        connection.database.run("INSERT INTO outputs VALUES ('half', 0, 0, 0, 'stdout', 0, '')")
        throw new Error("in the middle")
      })
      const works: ReadonlyArray<ReturnType<typeof commit>> = [
        commit("account/a"),
        broken,
        commit("account/b"),
        commit("account/a")
      ]
      const results = yield* Effect.all(
        works.map((work) => Effect.either(work)),
        { concurrency: "unbounded" }
      )
      expect(results.map((result) => (Either.isLeft(result) ? result.left._tag : result.right))).toEqual([
        1,
        "StoreError",
        2,
        "VersionConflict"
      ])
      expect(connection.scalar("SELECT count(*) FROM outputs")).toBe(0)
      expect(headOf(connection)).toBe(2)
    })
  )

  it.live("a full disk fails the commit and says so; what fits goes on", () =>
    Effect.gen(function* () {
      const { commit, connection } = yield* makeWriter()
      connection.database.run("PRAGMA max_page_count = 60")
      const [refused, placed] = yield* Effect.all(
        [Effect.either(commit("account/large", 1, 1_000_000)), Effect.either(commit("account/small"))],
        { concurrency: "unbounded" }
      )
      expect(Either.isLeft(refused) ? refused.left.message : "").toContain("the disk is full")
      expect(placed).toEqual(Either.right(1))
      expect(headOf(connection)).toBe(1)
    })
  )

  it.live("closing writes what waits, then refuses", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const [driver, waiting] = yield* Effect.scoped(
        Effect.gen(function* () {
          const opened = yield* open(filename)
          const fibers = yield* Effect.forEach(Array.from({ length: 300 }), (_, index) =>
            Effect.forkDaemon(opened.commit(commitOf(`account/${index}`, 1)))
          )
          yield* Effect.yieldNow()
          return [opened, fibers] as const
        })
      )
      for (const fiber of waiting) yield* fiber
      expect((yield* Effect.flip(driver.commit(commitOf("account/late", 1)))).message).toContain("closed")
      const again = yield* open(filename)
      expect(yield* again.head).toBe(300)
    })
  )
})
