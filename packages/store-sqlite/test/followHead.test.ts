import { expect } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Fiber from "effect/Fiber"
import { CommitTables } from "../src/internal/CommitTables.ts"
import { followHead } from "../src/internal/followHead.ts"
import { makeGroupWriter } from "../src/internal/GroupWriter.ts"
import { Leases } from "../src/internal/Leases.ts"
import { Outputs } from "../src/internal/Outputs.ts"
import { openDatabase } from "../src/internal/openDatabase.ts"
import { Reads } from "../src/internal/Reads.ts"
import { commitOf, temporaryFile } from "./support.ts"

it.live("a head that cannot be read after a commit stops nobody, and is told when it can", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const connection = yield* openDatabase({ filename, access: "write", synchronous: "normal" })
    const tables = new CommitTables(connection, new Leases(connection), new Outputs(connection))
    const { announce, awaitBeyond } = yield* followHead(new Reads(connection, tables.entries))
    const write = yield* makeGroupWriter(connection, "normal", {
      begin: () => undefined,
      committed: announce,
      rolledBack: () => tables.rolledBack()
    })
    const rename = (from: string, to: string) =>
      write("rename", () => Either.right(connection.database.run(`ALTER TABLE ${from} RENAME TO ${to}`)))
    const waiting = yield* Effect.fork(awaitBeyond(0))
    yield* write("write to the log", () => {
      tables.begin()
      const applied = tables.apply(commitOf("account/a", 1))
      connection.database.run("ALTER TABLE facts RENAME TO hidden")
      return applied
    }).pipe(Effect.timeout("5 seconds"))
    yield* rename("hidden", "facts").pipe(Effect.timeout("5 seconds"))
    yield* Fiber.join(waiting).pipe(Effect.timeout("5 seconds"))
    expect(connection.scalar("SELECT max(position) FROM facts")).toBe(1)
  })
)
