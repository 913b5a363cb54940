/** What an operator does with a database: look whether it is whole. */
import type { AnyAggregate } from "@patchmoi/core/store/Aggregate"
import type { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import { openDatabase } from "./internal/openDatabase.ts"
import { Verification } from "./internal/Verification.ts"
import { storing } from "./internal/waiting.ts"
import type { OpenError } from "./SqliteStoreErrors.ts"

/** Which database, and whose facts may be in it. */
export interface VerifyOptions {
  readonly filename: string
  readonly aggregates: ReadonlyArray<AnyAggregate>
}

/** How a database is. */
export interface VerifyReport {
  readonly facts: number
  readonly streams: number
  /** Streams that have a document. */
  readonly documents: number
  /** What is wrong, in words; empty when the database is whole. At most {@link flawsMax}. */
  readonly flaws: ReadonlyArray<string>
}

/** How many flaws a report names. */
export const flawsMax = 20

/** Streams that are looked at between two moments in which other fibers run. */
const streamsAtOnce = 256

/**
 * Reads the whole database and tells how it is: the pages of the file, what refers to what, that the versions of each
 * stream have no gap, and that documents and lists are what the facts lead to. Changes nothing; others may write
 * meanwhile and are not seen.
 *
 * - `OpenError`: the file cannot be opened, or is something else.
 * - `StoreError`: the disk refused.
 */
export const verify = ({
  filename,
  aggregates
}: VerifyOptions): Effect.Effect<VerifyReport, OpenError | StoreError> =>
  Effect.gen(function* () {
    const connection = yield* openDatabase({ filename, access: "read", synchronous: "full" })
    const verification = new Verification(connection, aggregates, flawsMax)
    yield* storing("verify the database", () => verification.begin())
    while (yield* storing("verify the database", () => verification.step(streamsAtOnce))) {
      yield* Effect.yieldNow()
    }
    return yield* storing("verify the database", () => verification.end())
  }).pipe(Effect.scoped, Effect.withSpan("LogMaintenance.verify"))
