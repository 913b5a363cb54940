/**
 * Follows the runs that another backend has, until they have ended.
 *
 * A backend of ours tells when a run ends (`GET /changes`): its stream begins at a position, and only then are the runs looked
 * at, so that nothing falls between. A backend without that route, and one whose stream broke off, is looked at again and
 * again, with growing waits. What is streamed only says when to look: what is recorded here comes from the look alone.
 */
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import type { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { connectChanges } from "../client/http/changesConnection.ts"
import type { Transport } from "../client/http/Transport.ts"
import type { Trouble } from "../client/http/trouble.ts"
import { followedAt, lookAt } from "./followRuns.ts"
import { type FailedTry, type OutboxPolicy, waitAfter } from "./OutboxPolicy.ts"

/** What is followed, and how. */
export interface FollowParts {
  readonly store: typeof Store.Service
  readonly policy: OutboxPolicy
  /** The backend. */
  readonly url: string
  /** Open when there may be something to look at. */
  readonly toFollow: Effect.Latch
  /** The way to the backend, with the secret that an attempt names. */
  readonly transportOf: (attempt: MaintenanceDocument) => Effect.Effect<Transport, FailedTry | StoreError>
}

/** Waits until there are runs to follow, follows them, and returns when there are none left. */
export const followTarget = (parts: FollowParts): Effect.Effect<void, StoreError | VersionConflict> =>
  Effect.gen(function* () {
    const { toFollow } = parts
    const following: Following = { awaited: new Set(), transport: undefined, isLive: false }
    // Closed before looking: what comes after the look opens it again.
    yield* toFollow.close
    const ended = yield* look(parts, following)
    // Another process may send to the backend, and go.
    if (ended === undefined)
      return yield* Effect.race(Effect.sleep(parts.policy.lookMillisMax), toFollow.await)
    yield* Effect.raceFirst(lookOn(parts, following, ended), listen(parts, following))
  })

// --- internal ---

/** What the looks and the stream tell each other. */
interface Following {
  /** The runs that are waited for, and some that were. */
  awaited: Set<string>
  /** The way to the backend that the last look found. */
  transport: Transport | undefined
  /** Whether the backend tells by itself when a run ends. */
  isLive: boolean
}

/** Looks again and again, until there is nothing to follow. */
const lookOn = (
  parts: FollowParts,
  following: Following,
  endedAtFirst: number
): Effect.Effect<void, StoreError | VersionConflict> =>
  Effect.gen(function* () {
    const { policy, toFollow } = parts
    let ended: number | undefined = endedAtFirst
    let wait = policy.firstLookMillis / 1.5
    while (ended !== undefined) {
      wait = ended > 0 ? policy.firstLookMillis : Math.min(wait * 1.5, policy.lookMillisMax)
      const millis = following.isLive ? policy.liveLookMillis : wait
      yield* Effect.race(Effect.sleep(millis), toFollow.await)
      yield* toFollow.close
      ended = yield* look(parts, following)
    }
  })

/** Looks at every attempt that this backend has runs of; gives how many ended, or undefined when there is none to follow. */
const look = (
  { store, url, transportOf }: FollowParts,
  following: Following
): Effect.Effect<number | undefined, StoreError | VersionConflict> =>
  Effect.gen(function* () {
    let ended: number | undefined
    let cursor: string | undefined
    const awaited = new Set<string>()
    do {
      const page = yield* followedAt(store, url, cursor)
      for (const attempt of page.items) {
        // Known before the backend is asked: a run that ends from here on opens the latch, if its end is streamed.
        for (const runId of attempt.workspaceRunIds) {
          awaited.add(runId)
          following.awaited.add(runId)
        }
        ended = (ended ?? 0) + (yield* lookAtOne(store, transportOf(attempt), attempt, following))
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    following.awaited = awaited
    return ended
  })

/** A backend that is away now is looked at again later; what it cannot answer stays as it is. */
const lookAtOne = (
  store: typeof Store.Service,
  opening: Effect.Effect<Transport, FailedTry | StoreError>,
  attempt: MaintenanceDocument,
  following: Following
): Effect.Effect<number, StoreError | VersionConflict> =>
  Effect.gen(function* () {
    const transport = yield* opening
    following.transport = transport
    return yield* lookAt(store, transport, attempt)
  }).pipe(
    Effect.catchAll((error) =>
      error._tag === "StoreError" || error._tag === "VersionConflict" ? Effect.fail(error) : Effect.succeed(0)
    )
  )

/** Opens the latch whenever the backend tells that a run ended which is waited for. Never returns. */
const listen = (parts: FollowParts, following: Following): Effect.Effect<never> =>
  Effect.gen(function* () {
    const { policy, toFollow } = parts
    let failedTries = 0
    while (true) {
      const { transport } = following
      const trouble =
        transport === undefined
          ? undefined
          : yield* Effect.flip(listenOnce(parts, following, transport)).pipe(
              Effect.ensuring(Effect.sync(() => (following.isLive = false)))
            )
      // From here on only looks tell, so one is due.
      yield* toFollow.open
      failedTries = trouble?.wasLive === true ? 1 : failedTries + 1
      const wait =
        trouble?.again === "never"
          ? policy.listenAgainMillis
          : waitAfter(policy, failedTries, yield* Random.next, trouble?.afterMillis)
      yield* Effect.sleep(wait)
    }
  })

/** One connection; fails with how it ended. */
const listenOnce = (
  { toFollow, url }: FollowParts,
  following: Following,
  transport: Transport
): Effect.Effect<never, Pick<Trouble, "again" | "afterMillis"> & { readonly wasLive: boolean }> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const connection = yield* connectChanges(
      transport,
      { baseUrl: url, after: "latest", type: "RunEnded" },
      scope
    )
    // What another server streams here has an order that is not known.
    if (connection.position === undefined) return yield* Effect.fail(notOurs)
    following.isLive = true
    // The stream begins at a position that lies before this look.
    yield* toFollow.open
    while (true) {
      const changes = yield* connection.next
      if (changes.some(({ id }) => following.awaited.has(id))) yield* toFollow.open
    }
  }).pipe(
    Effect.scoped,
    Effect.mapError((trouble) => ({ ...trouble, wasLive: following.isLive }))
  )

const notOurs: Pick<Trouble, "again" | "afterMillis"> = { again: "never" }
