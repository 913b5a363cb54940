/**
 * How a service on a record is found by others, also while nothing runs: it holds a lease under a name of its own, which a
 * command asks for before it runs a step itself. Of several services on one record one holds it at a time; that is enough to
 * know that somebody takes up what is queued.
 *
 * A service that was killed is told from its lease at once on the same machine, by the name of its process; elsewhere when the
 * lease has run out.
 */
import type { Lease } from "@patchmoi/core/store/Driver"
import type { StoreError } from "@patchmoi/core/store/Log"
import { Store } from "@patchmoi/core/store/Store"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { isWorkerDead, makeWorkerId } from "../executor/workerIdentity.ts"

/** The name of the lease. No attempt has it: their ids hold no slash. */
export const serviceLeaseName = "engine/service"

/** How long the lease holds without being renewed, in milliseconds; it is renewed three times as often, and each is a write. */
export const serviceLeaseMillis = 15_000

/** Holds the lease until the scope closes, or waits for it while another service has it. */
export const holdServiceLease: Effect.Effect<void, StoreError, Store | Scope.Scope> = Effect.gen(
  function* () {
    const { leases } = (yield* Store).driver
    const token = globalThis.crypto.randomUUID()
    const workerId = (yield* makeWorkerId) ?? `engine-${token}`
    const hold = Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const lease = { token, workerId, expiresAt: now + serviceLeaseMillis }
      if (yield* leases.take(serviceLeaseName, lease, now)) return
      const held = yield* leases.get(serviceLeaseName)
      if (held !== undefined && (yield* isWorkerDead(held.workerId)))
        yield* leases.put(serviceLeaseName, lease)
    })
    yield* hold
    const renewing = Effect.forever(
      Effect.delay(
        Effect.catchAll(hold, (error) =>
          Effect.logWarning("The lease of the service was not renewed", error)
        ),
        serviceLeaseMillis / 3
      )
    )
    yield* Effect.addFinalizer(() =>
      // Only what is still held ends: it may be another's by now. What cannot be given back runs out by itself.
      Effect.catchAll(
        Effect.flatMap(Clock.currentTimeMillis, (now) => leases.renew(serviceLeaseName, token, now, now)),
        (error) => Effect.logDebug("The lease of the service was not given back", error)
      )
    )
    yield* Effect.forkScoped(renewing)
  }
)

/** Whether a service that is alive takes up what is queued in the record. */
export const isServed: Effect.Effect<boolean, StoreError, Store> = Effect.gen(function* () {
  const { driver } = yield* Store
  const lease: Lease | undefined = yield* driver.leases.get(serviceLeaseName)
  const now = yield* Clock.currentTimeMillis
  return lease !== undefined && lease.expiresAt > now && !(yield* isWorkerDead(lease.workerId))
})
