/** One look at the runs of another backend, for the maintenance attempts that wait for them. */

import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import type { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import type { BackendFailure } from "../client/http/HttpErrors.ts"
import type { Transport } from "../client/http/Transport.ts"
import type { Refusal } from "../client/http/trouble.ts"
import * as RemoteRuns from "./RemoteRuns.ts"

type Opened = typeof Store.Service

/** How many attempts of one backend are looked at before the others are given a turn. */
const attemptsPageSize = 100

/** The attempts whose runs this backend has, oldest first, each once. */
export const followedAt = (
  store: Opened,
  url: string,
  cursor: string | undefined
): Effect.Effect<
  { readonly items: ReadonlyArray<MaintenanceDocument>; readonly cursor?: string },
  StoreError
> =>
  Effect.catchTag(
    store.list(MaintenanceAttempts, {
      index: "followed",
      prefix: [url],
      order: "ascending",
      limit: attemptsPageSize,
      ...(cursor === undefined ? {} : { cursor })
    }),
    "CursorInvalid",
    Effect.die
  )

/** Asks for the runs of an attempt and records those that have ended since; gives how many. */
export const lookAt = (
  store: Opened,
  transport: Transport,
  attempt: MaintenanceDocument
): Effect.Effect<number, Refusal | BackendFailure | StoreError | VersionConflict> =>
  Effect.gen(function* () {
    const ours = new Set<string>(attempt.workspaceRunIds)
    const there = yield* RemoteRuns.runsOf(transport, attempt.eventId)
    const ended = there.filter(
      ({ id, hasEnded }) => hasEnded && ours.has(id) && !Object.hasOwn(attempt.workspaceRunStatuses, id)
    )
    if (ended.length === 0) return 0
    // Oldest first, as they are recorded here; lists of runs are newest first.
    yield* store.transact((transaction) =>
      Effect.forEach(
        ended.toReversed(),
        ({ id, status, candidateRefs, message, error }) =>
          transaction.execute(MaintenanceAttempts, attempt.id, {
            _tag: "RecordRunEnd",
            runId: id,
            status,
            candidateRefs,
            ...(message === undefined ? {} : { message }),
            ...(error === undefined ? {} : { error })
          }),
        { discard: true }
      )
    )
    return ended.length
  })
