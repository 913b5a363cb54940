/** The fiber that keeps the readable files up with the log. */
import type { LogRow, StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { ReadableProjection } from "../ReadableProjection.ts"
import { ProjectionFiles } from "./ProjectionFiles.ts"
import type { Replica } from "./Replica.ts"
import { storing, storingLater } from "./storing.ts"

/** Facts that are folded and written in one step. */
const pageRows = 512

/** How long the files may lag behind the log, so that a burst of commits is one write. */
const gatherTime = "50 millis"

/** How long to wait before the files are tried again after the disk refused. */
const retryTime = "1 second"

/**
 * Follows the log until the scope closes; then the files are brought up to the last fact. A disk that refuses is
 * logged and tried again: the log itself does not depend on the files.
 */
export const followProjections = (
  replica: Replica,
  directory: string,
  projections: ReadonlyArray<ReadableProjection>
): Effect.Effect<void, never, Scope.Scope> => {
  if (projections.length === 0) return Effect.void
  let current: ProjectionFiles | undefined
  const follow = Effect.gen(function* () {
    current = undefined
    const files = yield* openFiles(replica, directory, projections)
    current = files
    while (true) {
      yield* catchUp(files, replica)
      yield* replica.awaitBeyond(files.position)
      yield* Effect.sleep(gatherTime)
    }
  }).pipe(
    Effect.tapError((error) => Effect.logWarning(`The readable files lag behind: ${error.message}`)),
    Effect.retry(Schedule.spaced(retryTime))
  )
  return Effect.gen(function* () {
    const fiber = yield* Effect.forkScoped(follow)
    yield* Effect.addFinalizer(() =>
      Fiber.interrupt(fiber).pipe(
        Effect.zipRight(Effect.suspend(() => finish(replica, directory, projections, current))),
        Effect.catchAll((error) =>
          Effect.logWarning(`The readable files were left behind the log: ${error.message}`)
        )
      )
    )
  })
}

/** Brings the files up to the last fact, once. */
export const writeProjections = (
  replica: Replica,
  directory: string,
  projections: ReadonlyArray<ReadableProjection>
): Effect.Effect<void, StoreError> =>
  projections.length === 0 ? Effect.void : finish(replica, directory, projections, undefined)

// --- internal ---

const operation = "write the readable files"

/** Goes on with the files as they are open, or opens them. */
const finish = (
  replica: Replica,
  directory: string,
  projections: ReadonlyArray<ReadableProjection>,
  current: ProjectionFiles | undefined
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    const files = current ?? (yield* openFiles(replica, directory, projections))
    yield* catchUp(files, replica)
    yield* storing(operation, () => files.saveCheckpoint())
  })

const openFiles = (
  replica: Replica,
  directory: string,
  projections: ReadonlyArray<ReadableProjection>
): Effect.Effect<ProjectionFiles, StoreError> =>
  storing(
    operation,
    () =>
      new ProjectionFiles(replica.ops, directory, projections, {
        head: replica.index.head,
        rowAt: (position) => replica.rowAt(position),
        before: (row) => replica.before(row),
        documents: (view) => replica.tables.values(view)
      })
  )

const catchUp = (files: ProjectionFiles, replica: Replica): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    let rows: ReadonlyArray<LogRow>
    do {
      rows = yield* replica.readAfter(files.position, pageRows)
      const page = rows
      yield* Effect.uninterruptible(storingLater(operation, () => files.add(page, page.length < pageRows)))
    } while (rows.length === pageRows)
  })
