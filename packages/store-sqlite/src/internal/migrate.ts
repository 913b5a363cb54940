/**
 * Brings the schema up to date by the migrator of `@effect/sql`.
 *
 * The migrator takes a step that another process is just doing for done, and its `BEGIN` is deferred, so that two
 * processes can fall over each other. So the version that the database has afterwards decides, not what the migrator says.
 */
import * as Reactivity from "@effect/experimental/Reactivity"
import * as Migrator from "@effect/sql/Migrator"
import * as SqlClient from "@effect/sql/SqlClient"
import * as SqliteClient from "@effect/sql-sqlite-bun/SqliteClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { migrations, migrationsTable, schemaVersion } from "../SqliteMigrations.ts"
import { DatabaseUnavailable } from "../SqliteStoreErrors.ts"
import { textOf } from "./sqliteError.ts"
import { busyTimeoutMillis, inRealTime, Refused } from "./waiting.ts"

/** How often a migration that another process got in the way of is tried again. */
const triesMax = 100

/** Runs the missing steps. `version` reads the schema version of the database. */
export const migrate = (filename: string, version: () => number): Effect.Effect<void, DatabaseUnavailable> =>
  Effect.gen(function* () {
    const client = yield* SqliteClient.make({ filename, disableWAL: true })
    yield* client.unsafe(`PRAGMA busy_timeout = ${busyTimeoutMillis}`)
    const context = Context.make(SqlClient.SqlClient, client)
    yield* run.pipe(Effect.provide(context))
    const reached = version()
    if (reached < schemaVersion) {
      return yield* new Refused({ thrown: `after migrating the schema has version ${reached}` })
    }
  }).pipe(
    Effect.scoped,
    Effect.provideServiceEffect(Reactivity.Reactivity, Reactivity.make),
    // A step that fails is a defect for the migrator; here it is what the database said.
    Effect.catchAllDefect((thrown) => new Refused({ thrown })),
    Effect.retry(Schedule.recurs(triesMax).pipe(Schedule.addDelay(() => "20 millis"))),
    inRealTime,
    Effect.mapError(
      (error) =>
        new DatabaseUnavailable({
          filename,
          reason: "failed",
          detail: textOf(error._tag === "Refused" ? error.thrown : error)
        })
    )
  )

// --- internal ---

const run = Migrator.make({})({ loader: Migrator.fromRecord(migrations), table: migrationsTable })
