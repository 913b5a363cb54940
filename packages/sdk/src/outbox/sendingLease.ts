/**
 * One sender for each backend, over all processes that share a record: whoever sends holds a lease under the name of the
 * backend, and renews it while it sends. A sender that was killed is waited for as long as its lease holds, or not at all where its process is known
 * to be gone.
 */
import type { StoreError } from "@patchmoi/core/store/Log"
import type { Store } from "@patchmoi/core/store/Store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isWorkerDead } from "../executor/workerIdentity.ts"

/** How long a lease holds without being renewed, in milliseconds. */
export const sendingLeaseMillis = 20_000

/** How long to wait before a backend that another process sends to is looked at again, in milliseconds. */
export const heldLookMillis = 250

/** Who sends, and to whom. */
export interface Sender {
  readonly store: typeof Store.Service
  /** The backend. */
  readonly url: string
  /** A name of this process (`executor/workerIdentity.ts`). */
  readonly workerId: string
}

/**
 * Sends while nobody else does. None: another process sends to this backend now, or the lease was lost before the work was
 * done, which is then interrupted.
 */
export const whileSending = <A, E>(
  { store, url, workerId }: Sender,
  send: Effect.Effect<A, E>
): Effect.Effect<Option.Option<A>, E | StoreError> =>
  Effect.suspend(() => {
    const { leases } = store.driver
    const name = `outbox ${url}`
    const token = globalThis.crypto.randomUUID()
    const takeAt = (now: number) =>
      leases.take(name, { token, workerId, expiresAt: now + sendingLeaseMillis }, now)
    const take = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (yield* takeAt(now)) return true
      const held = yield* leases.get(name)
      if (held === undefined || !(yield* isWorkerDead(held.workerId))) return false
      // Ended under the token of the dead: whoever took it meanwhile keeps it.
      yield* leases.renew(name, held.token, now, now)
      return yield* takeAt(now)
    })
    const renew = Effect.flatMap(Clock.currentTimeMillis, (now) =>
      leases.renew(name, token, now + sendingLeaseMillis, now)
    )
    // Only what is still held is given back: it may be another's by now.
    const giveBack = Effect.flatMap(Clock.currentTimeMillis, (now) => leases.renew(name, token, now, now))
    const untilLost = Effect.as(
      Effect.repeat(Effect.delay(renew, sendingLeaseMillis / 3), { while: (held) => held }),
      Option.none<A>()
    )
    return Effect.acquireUseRelease(
      take,
      (taken) => (taken ? Effect.raceFirst(Effect.asSome(send), untilLost) : Effect.succeedNone),
      // One that cannot be given back runs out by itself.
      (taken) => (taken ? Effect.catchAll(giveBack, () => Effect.void) : Effect.void)
    )
  })
