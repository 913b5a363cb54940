/** Gives the space of what was forgotten back to the disk, in steps between which others write. */
import * as fs from "node:fs"
import type { DriverCompaction } from "@patchmoi/core/store/Driver"
import type { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import type { Connection } from "./Connection.ts"
import { storing } from "./waiting.ts"

/** Pages that are moved in one step: 4 MiB, some ten milliseconds. */
const stepPages = 1_024

/** How often the write-ahead log is asked to empty itself while readers are in the way. */
const truncateTriesMax = 20

export const makeCompaction = (connection: Connection): DriverCompaction => ({
  size: storing("look at its size", () => sizeOf(connection.filename) + sizeOf(`${connection.filename}-wal`)),
  shrink: Effect.zipRight(vacuum(connection), truncate(connection, truncateTriesMax))
})

// --- internal ---

const operation = "give space back"

const sizeOf = (path: string): number => fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0

/** The pages that are in the file and hold nothing. */
const freePages = (connection: Connection): number => Number(connection.scalar("PRAGMA freelist_count"))

const vacuum = (connection: Connection): Effect.Effect<void, StoreError> =>
  Effect.flatMap(
    storing(operation, () => {
      const before = freePages(connection)
      if (before > 0) connection.run(`PRAGMA incremental_vacuum(${stepPages})`)
      return before > 0 && freePages(connection) < before
    }),
    (goesOn) => (goesOn ? Effect.zipRight(Effect.yieldNow(), vacuum(connection)) : Effect.void)
  )

/** Moves the write-ahead log into the file and empties it. With a reader that stays in the way it is left for later. */
const truncate = (connection: Connection, tries: number): Effect.Effect<void, StoreError> =>
  Effect.flatMap(
    storing(operation, () => connection.scalar("PRAGMA wal_checkpoint(TRUNCATE)") === 1),
    (isBusy) =>
      isBusy && tries > 1
        ? Effect.zipRight(Effect.sleep("50 millis"), truncate(connection, tries - 1))
        : Effect.void
  )
