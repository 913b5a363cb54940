/**
 * Goal: none of the five traps of `@effect/sql-sqlite-bun` is one of this store (docs/decisions/0015). Method: each test
 * shows the trap in the package, so that it notices when there is none any more, and then the store beside it.
 */

import { Database } from "bun:sqlite"
import { describe, expect } from "bun:test"
import * as Reactivity from "@effect/experimental/Reactivity"
import * as SqliteClient from "@effect/sql-sqlite-bun/SqliteClient"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { openDatabase } from "../src/internal/openDatabase.ts"
import { commitOf, open, temporaryFile } from "./support.ts"

const client = (filename: string) =>
  Effect.provideServiceEffect(SqliteClient.make({ filename }), Reactivity.Reactivity, Reactivity.make)

/** A connection of somebody else, closed with the scope. */
const stranger = (filename: string) =>
  Effect.acquireRelease(
    Effect.sync(() => new Database(filename)),
    (database) => Effect.sync(() => database.close())
  )

describe("traps of @effect/sql-sqlite-bun", () => {
  it.live("1: inside a transaction of one database, a store still writes to its own", () =>
    Effect.gen(function* () {
      const [fileA, fileB, fileC] = [yield* temporaryFile, yield* temporaryFile, yield* temporaryFile]
      const [a, b] = [yield* client(fileA), yield* client(fileB)]
      for (const sql of [a, b]) yield* sql`CREATE TABLE notes (text TEXT)`
      const driver = yield* open(fileC)
      yield* a.withTransaction(
        Effect.zipRight(b`INSERT INTO notes VALUES ('meant for b')`, driver.commit(commitOf("account/a", 1)))
      )
      expect(yield* a`SELECT text FROM notes`).toHaveLength(1)
      expect(yield* b`SELECT text FROM notes`).toHaveLength(0)
      expect(yield* driver.head).toBe(1)
    })
  )

  it.live(
    "2: reading and then writing beside another writer ends in a commit, not in a locked database",
    () =>
      Effect.gen(function* () {
        const filename = yield* temporaryFile
        const driver = yield* open(filename)
        const other = yield* open(filename)
        const sql = yield* client(filename)
        const deferred = yield* Effect.either(
          sql.withTransaction(
            Effect.gen(function* () {
              yield* sql`SELECT count(*) FROM facts`
              yield* driver.commit(commitOf("account/between", 1))
              yield* sql`INSERT INTO indexes (view, name) VALUES ('a', 'b')`
            })
          )
        )
        expect(deferred._tag).toBe("Left")
        const writer = (store: typeof driver, name: string) =>
          Effect.forEach(
            Array.from({ length: 50 }, (_, index) => index + 1),
            (version) =>
              Effect.zipRight(
                store.load("account", name, `account/${name}`),
                store.commit(commitOf(`account/${name}`, version))
              )
          )
        yield* Effect.all([writer(driver, "one"), writer(other, "two")], { concurrency: "unbounded" })
        expect(yield* driver.head).toBe(101)
      })
  )

  it.live("3: while another process holds the lock, commits wait and fibers run on", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const driver = yield* open(filename)
      const sql = yield* client(filename)
      const holder = yield* stranger(filename)
      holder.run("BEGIN IMMEDIATE")
      expect((yield* Effect.either(sql`INSERT INTO indexes (view, name) VALUES ('a', 'b')`))._tag).toBe(
        "Left"
      )
      let [longest, last] = [0, performance.now()]
      const ticker = yield* Effect.sync(() => {
        longest = Math.max(longest, performance.now() - last)
        last = performance.now()
      }).pipe(Effect.zipRight(Effect.sleep("2 millis")), Effect.forever, Effect.fork)
      const commit = yield* Effect.fork(driver.commit(commitOf("account/a", 1)))
      yield* Effect.sleep("600 millis")
      holder.run("COMMIT")
      expect(yield* Fiber.join(commit)).toBe(1)
      yield* Fiber.interrupt(ticker)
      // The busy timeout is 50 ms; the rest is for a busy machine.
      expect(longest).toBeLessThan(250)
    })
  )

  it.live("4: reads do not wait for an open transaction, and the whole log comes in pages", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const driver = yield* open(filename)
      yield* driver.commit(commitOf("account/a", 1, 2_500))
      const holder = yield* stranger(filename)
      holder.run("BEGIN IMMEDIATE")
      holder.run("DELETE FROM facts")
      const commit = yield* Effect.fork(driver.commit(commitOf("account/b", 1)))
      yield* Effect.yieldNow()
      let position = 0
      let rows = 0
      while (rows < 2_500) {
        const page = yield* driver.readAfter(position, 1_000)
        rows += page.length
        position = page.at(-1)?.position ?? Number.NaN
      }
      expect([rows, position]).toEqual([2_500, 2_500])
      holder.run("ROLLBACK")
      expect(yield* Fiber.join(commit)).toBe(2_501)
    })
  )

  it.live("5: what the package leaves at its default is set", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const full = yield* openDatabase({ filename, access: "write", synchronous: "full" })
      const normal = yield* openDatabase({ filename, access: "write", synchronous: "normal" })
      const pragmas = [
        "journal_mode",
        "synchronous",
        "busy_timeout",
        "foreign_keys",
        "cache_size",
        "temp_store"
      ]
      expect(pragmas.map((name) => full.scalar(`PRAGMA ${name}`))).toEqual(["wal", 2, 50, 1, -16_384, 2])
      expect(normal.scalar("PRAGMA synchronous")).toBe(1)
      const sql = yield* client(filename)
      expect(yield* sql`PRAGMA busy_timeout`).toEqual([{ timeout: 0 }])
      expect(yield* sql`PRAGMA foreign_keys`).toEqual([{ foreign_keys: 0 }])
    })
  )
})
