import { Database } from "bun:sqlite"
import { describe, expect } from "bun:test"
import { spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { applicationId } from "../src/internal/openDatabase.ts"
import { migrations, migrationsTable, schemaVersion } from "../src/SqliteMigrations.ts"
import { make } from "../src/SqliteStore.ts"
import { openReadOnly } from "../src/SqliteStoreReader.ts"
import { commitOf, open, temporaryFile, temporaryFolder } from "./support.ts"

describe("opening", () => {
  it.live("the schema is the one that is pinned", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.scoped(open(filename))
      const database = new Database(filename, { readonly: true })
      const rows = database.prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").values()
      const auto = database.prepare("PRAGMA auto_vacuum").values()
      const id = database.prepare("PRAGMA application_id").values()
      database.close()
      const pinned = fs.readFileSync(`${import.meta.dir}/schema.sql`, "utf8")
      expect(`${rows.map(([sql]) => `${sql};`).join("\n")}\n`).toBe(pinned)
      expect([auto, id]).toEqual([[[2]], [[applicationId]]])
      expect(Object.keys(migrations).map((name) => Number.parseInt(name, 10))).toEqual(
        Array.from({ length: schemaVersion }, (_, index) => index + 1)
      )
    })
  )

  it.live(
    "a file that is no database, another program's and a newer one are refused and left as they are",
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const text = `${folder}/text.db`
        fs.writeFileSync(text, "this is not a database. ".repeat(400))
        const foreign = `${folder}/foreign.db`
        sql(foreign, "CREATE TABLE recipes (name TEXT)")
        const newer = `${folder}/newer.db`
        yield* Effect.scoped(open(newer))
        sql(newer, `INSERT INTO ${migrationsTable} (migration_id, name) VALUES (999, 'later')`)
        for (const [filename, tag, hint] of [
          [text, "NotADatabase", "not a SQLite database"],
          [foreign, "ForeignDatabase", "recipes"],
          [newer, "DatabaseTooNew", "schema version 999"]
        ] as const) {
          const before = fs.readFileSync(filename)
          for (const opening of [make({ filename }), openReadOnly({ filename })]) {
            const error = yield* Effect.flip(Effect.scoped(opening))
            expect(error._tag).toBe(tag)
            expect(error.message).toContain(filename)
            expect(error.message).toContain(hint)
          }
          expect(fs.readFileSync(filename).equals(before)).toBe(true)
        }
      })
  )

  it.live("a copy that VACUUM INTO made has its write-ahead log again", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.scoped(
        Effect.flatMap(open(filename), (driver) => driver.commit(commitOf("account/a", 1)))
      )
      const copy = `${filename}.copy`
      sql(filename, `VACUUM INTO '${copy}'`)
      const before = new Database(copy, { readonly: true })
      expect(before.prepare("PRAGMA journal_mode").values()).toEqual([["delete"]])
      before.close()
      const driver = yield* open(copy)
      expect(yield* driver.commit(commitOf("account/a", 2))).toBe(2)
      const beside = new Database(copy, { readonly: true })
      expect(beside.prepare("PRAGMA journal_mode").values()).toEqual([["wal"]])
      beside.close()
    })
  )

  it.live("a missing folder, a folder and, for reading, a missing file are named", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const reason = (opening: ReturnType<typeof make>) =>
        Effect.map(Effect.flip(Effect.scoped(opening)), (error) =>
          error._tag === "DatabaseUnavailable" ? error.reason : error._tag
        )
      expect(yield* reason(make({ filename: `${folder}/none/a.db` }))).toBe("folderMissing")
      expect(yield* reason(make({ filename: folder }))).toBe("isFolder")
      expect(yield* reason(openReadOnly({ filename: folder }))).toBe("isFolder")
      expect(yield* reason(openReadOnly({ filename: `${folder}/a.db` }))).toBe("missing")
      expect(fs.readdirSync(folder)).toEqual([])
    })
  )

  it.live("a folder or a file that may not be written is named, to a user who is not root", () =>
    Effect.gen(function* () {
      const folder = yield* temporaryFolder
      const built = yield* Effect.promise(() =>
        Bun.build({ entrypoints: [`${import.meta.dir}/processes/opener.ts`], outdir: folder, target: "bun" })
      )
      yield* Effect.scoped(open(`${folder}/file.db`))
      for (const path of [`${folder}/file.db`, built.outputs[0]?.path ?? ""]) fs.chmodSync(path, 0o444)
      fs.chmodSync(folder, 0o555)
      const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}
      for (const filename of [`${folder}/new.db`, `${folder}/file.db`]) {
        const child = spawnSync(process.execPath, [built.outputs[0]?.path ?? "", filename], {
          ...user,
          encoding: "utf8",
          cwd: "/"
        })
        expect(`${child.stdout}${child.stderr}`).toContain("DatabaseUnavailable notPermitted")
      }
      fs.chmodSync(folder, 0o755)
    })
  )
})

describe("a store that is opened for reading", () => {
  it.live("sees what a writer commits, and refuses to write", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      const writer = yield* open(filename)
      yield* writer.commit(commitOf("account/a", 1))
      const reader = yield* Effect.orDie(openReadOnly({ filename }))
      expect(yield* reader.head).toBe(1)
      const waiting = yield* Effect.fork(reader.awaitBeyond(1))
      yield* writer.commit(commitOf("account/a", 2))
      yield* waiting
      expect((yield* reader.load("account", "a", "account/a")).version).toBe(2)
      for (const refused of [
        reader.commit(commitOf("account/a", 3)),
        reader.outputs.append("a", [], undefined, undefined),
        reader.leases.remove("a")
      ]) {
        expect((yield* Effect.flip(refused)).message).toContain("opened for reading only")
      }
    })
  )

  it.live("reads a database that nobody has open", () =>
    Effect.gen(function* () {
      const filename = yield* temporaryFile
      yield* Effect.scoped(
        Effect.flatMap(open(filename), (driver) => driver.commit(commitOf("account/a", 1)))
      )
      expect(fs.existsSync(`${filename}-wal`)).toBe(false)
      const reader = yield* Effect.orDie(openReadOnly({ filename }))
      expect(yield* reader.readAfter(0, 10)).toHaveLength(1)
    })
  )
})

// --- internal ---

const sql = (filename: string, statement: string): void => {
  const database = new Database(filename)
  database.run(statement)
  database.close()
}
