/** What attempts printed, read from a store piece by piece. */
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import type { OutputRecord } from "@patchmoi/core/store/Driver"
import type { StoreError } from "@patchmoi/core/store/Log"
import { pageSizeMax, type Store } from "@patchmoi/core/store/Store"
import { toIso } from "@patchmoi/core/Time"
import * as Effect from "effect/Effect"
import type { OutputPage } from "./api/records.ts"
import { type ReadOutputOptions, UnknownRunAttempt } from "./Flow.ts"

/** How many pieces of output are read at a time when the caller does not say. */
export const outputPageSize = 256

type Reader = typeof Store.Service

/** A page of output. An attempt that is still to come has none; one that will not come is refused. */
export const readOutputPage = (
  store: Reader,
  run: RunDocument,
  { attempt: number, from = 0, limit = outputPageSize }: ReadOutputOptions
): Effect.Effect<OutputPage, UnknownRunAttempt | StoreError> => {
  const size = limit >= 1 ? Math.min(pageSizeMax, Math.floor(limit)) : outputPageSize
  const attempt =
    number === undefined
      ? run.attempts.at(-1)
      : run.attempts.find(({ attemptNumber }) => attemptNumber === number)
  if (attempt === undefined) {
    const isOver = run.completedAt !== undefined
    if (isOver && number !== undefined) {
      return new UnknownRunAttempt({ runId: run.id, attempt: number, attemptCount: run.attempts.length })
    }
    return Effect.succeed({ runId: run.id, output: [], next: from, complete: isOver })
  }
  return Effect.map(store.driver.outputs.read(attempt.id, from, size), (records) => ({
    runId: run.id,
    attemptId: attempt.id,
    attemptNumber: attempt.attemptNumber,
    output: records.map(({ stream, at, ...piece }) => ({ ...piece, kind: stream, createdAt: toIso(at) })),
    next: (records.at(-1)?.sequence ?? from - 1) + 1,
    // The run was loaded before the output: an attempt that had ended then prints nothing more.
    complete: attempt.completedAt !== undefined && records.length < size
  }))
}

/** All output of the last attempt, in order. */
export const readAllOutput = (
  store: Reader,
  run: RunDocument
): Effect.Effect<ReadonlyArray<OutputRecord>, StoreError> =>
  Effect.gen(function* () {
    const attempt = run.attempts.at(-1)
    const records: Array<OutputRecord> = []
    while (attempt !== undefined) {
      const from = (records.at(-1)?.sequence ?? -1) + 1
      const page = yield* store.driver.outputs.read(attempt.id, from, outputPageSize)
      records.push(...page)
      if (page.length < outputPageSize) break
    }
    return records
  })
