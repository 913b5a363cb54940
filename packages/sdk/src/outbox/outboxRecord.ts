/** What the outbox asks of the record, besides what it sends. */
import { type DispatchDocument, Dispatches } from "@patchmoi/core/dispatch/Dispatches"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import type { CursorInvalid } from "@patchmoi/core/store/Cursor"
import type { StoreError } from "@patchmoi/core/store/Log"
import { type Page, pageSizeMax, type Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"

type Opened = typeof Store.Service

/** The backends that something is queued for. */
export const urlsToSendTo = (store: Opened): Effect.Effect<ReadonlySet<string>, StoreError> =>
  Effect.map(
    everyPage((page) => store.list(Dispatches, { index: "toSend", ...page })),
    urlsOf
  )

/** The backends that something is queued for, or that have runs which are followed. */
export const urlsToServe = (store: Opened): Effect.Effect<ReadonlySet<string>, StoreError> =>
  Effect.zipWith(
    urlsToSendTo(store),
    everyPage((page) => store.list(MaintenanceAttempts, { index: "followed", ...page })),
    (toSend, followed) => new Set([...toSend, ...urlsOf(followed)])
  )

/** The dispatch that an attempt is about. */
export const dispatchOf = (
  store: Opened,
  attempt: MaintenanceDocument
): Effect.Effect<DispatchDocument | undefined, StoreError> =>
  Effect.map(
    everyPage((page) => store.list(Dispatches, { index: "byEvent", prefix: [attempt.eventId], ...page })),
    (dispatches) => dispatches.find(({ maintenanceAttemptId }) => maintenanceAttemptId === attempt.id)
  )

/** Every document of a list. */
export const everyPage = <A>(
  list: (page: {
    readonly limit: number
    readonly cursor?: string
  }) => Effect.Effect<Page<A>, StoreError | CursorInvalid>
): Effect.Effect<ReadonlyArray<A>, StoreError> =>
  Effect.gen(function* () {
    let page: Page<A> = yield* list({ limit: pageSizeMax })
    const all = [...page.items]
    while (page.cursor !== undefined) {
      page = yield* list({ limit: pageSizeMax, cursor: page.cursor })
      all.push(...page.items)
    }
    return all
  }).pipe(Effect.catchTag("CursorInvalid", Effect.die))

// --- internal ---

const urlsOf = (
  records: ReadonlyArray<{ readonly workspaceBackendUrl?: string | undefined }>
): ReadonlySet<string> => new Set(records.flatMap(({ workspaceBackendUrl }) => workspaceBackendUrl ?? []))
