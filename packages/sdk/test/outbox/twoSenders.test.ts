/**
 * Two processes over one database that both want to send: to each backend one sends at a time, so that a replay is asked for
 * once. Each has a connection of its own, as two processes have.
 */
import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Dispatches } from "@patchmoi/core/dispatch/Dispatches"
import * as Dispatcher from "@patchmoi/core/engine/Dispatcher"
import { normalizeEvent } from "@patchmoi/core/event/normalizeEvent"
import { EventId } from "@patchmoi/core/Ids"
import * as Store from "@patchmoi/core/store/Store"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { layerStore } from "../../src/composeEngine.ts"
import * as Outbox from "../../src/outbox/Outbox.ts"
import { sendingLeaseMillis, whileSending } from "../../src/outbox/sendingLease.ts"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { backendSecret, startEarlierBackend } from "./support.ts"

const snapshot = { flows: [], broken: [] }

const sender = (store: typeof Store.Store.Service, url: string) => ({ store, url, workerId: "test" })

/** The name of a process that is gone. */
const deadWorkerId = async (): Promise<string> => {
  const module = import.meta.resolve("../../src/executor/workerIdentity.ts")
  const script = `
    import * as Effect from "effect/Effect"
    import { makeWorkerId } from ${JSON.stringify(module)}
    console.log(Effect.runSync(makeWorkerId))
  `
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: import.meta.dir, stdout: "pipe" })
  const name = (await child.stdout.text()).trim()
  await child.exited
  return name
}

/** Two stores over one database; `run` runs an effect in the scope of the test. */
const openStores = async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "senders-"))
  const scope = Effect.runSync(Scope.make())
  const run = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>) =>
    Effect.runPromise(Scope.extend(effect, scope))
  const open = () =>
    run(
      Effect.map(Layer.build(layerStore({ kind: "sqlite", dataDir, access: "write" })), (context) =>
        Context.get(context, Store.Store)
      )
    )
  const first = await open()
  return {
    stores: [first, await open()] as const,
    run,
    [Symbol.asyncDispose]: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await rm(dataDir, { recursive: true })
    }
  }
}

test("a replay is asked for once, though two look at the same moment and the backend is slow", async () => {
  await using backend = startEarlierBackend()
  await using opened = await openStores()
  const { stores, run } = opened
  const [store] = stores
  const ids = ["a", "b", "c"]
  const dispatcher = Dispatcher.make()
  const target = { url: backend.url, secretEnv: "OTHER" }
  for (const id of ids) {
    const event = await Effect.runPromise(
      normalizeEvent({ id, type: "upstream.release", source: "patch" }, 0)
    )
    await run(store.commit((unit) => dispatcher.accept(unit, snapshot, event, { backend: target })))
    await run(store.commit((unit) => dispatcher.replay(unit, snapshot, EventId.make(id))))
  }
  // Both see the list of runs without the replay, unless one waits for the other.
  const slowly = async (url: string, init: RequestInit) => {
    await Bun.sleep(30)
    return fetch(url, init)
  }
  for (const each of stores) {
    await run(
      Effect.provideService(
        Outbox.make({ variables: { OTHER: backendSecret }, fetch: slowly }),
        Store.Store,
        each
      )
    )
  }
  await eventually("everything is accepted", async () => {
    const { items } = await run(store.list(Dispatches))
    return items.length === 6 && items.every(({ status }) => status === "dispatched")
  })
  expect(backend.received).toEqual(ids.flatMap((id) => [id, `replay ${id}`]))
}, 30_000)

test("who finds a backend taken does nothing; a lease that was left behind is taken when it has run out", async () => {
  await using opened = await openStores()
  const [one, two] = opened.stores
  const gate = Promise.withResolvers<void>()
  const sending = opened.run(
    whileSending(
      sender(one, "http://a"),
      Effect.promise(() => gate.promise)
    )
  )
  const { leases } = two.driver
  await eventually(
    "the lease is held",
    async () => (await opened.run(leases.get("outbox http://a"))) !== undefined
  )
  expect(await opened.run(whileSending(sender(two, "http://a"), Effect.succeed("sent")))).toEqual(
    Option.none()
  )
  expect(await opened.run(whileSending(sender(two, "http://b"), Effect.succeed("sent")))).toEqual(
    Option.some("sent")
  )
  gate.resolve()
  expect(Option.isSome(await sending)).toBe(true)
  expect(await opened.run(whileSending(sender(two, "http://a"), Effect.succeed("sent")))).toEqual(
    Option.some("sent")
  )
  // A sender that was killed has given nothing back.
  const now = await opened.run(Clock.currentTimeMillis)
  const left = { token: "of a dead sender", workerId: "outbox", expiresAt: now + sendingLeaseMillis }
  await opened.run(leases.put("outbox http://a", left))
  expect(await opened.run(whileSending(sender(two, "http://a"), Effect.succeed("sent")))).toEqual(
    Option.none()
  )
  await opened.run(leases.put("outbox http://a", { ...left, expiresAt: now }))
  expect(await opened.run(whileSending(sender(two, "http://a"), Effect.succeed("sent")))).toEqual(
    Option.some("sent")
  )
})

test("a sender whose process is gone is not waited for", async () => {
  await using opened = await openStores()
  const [one, two] = opened.stores
  const now = await opened.run(Clock.currentTimeMillis)
  const left = {
    token: "of a dead sender",
    workerId: await deadWorkerId(),
    expiresAt: now + sendingLeaseMillis
  }
  await opened.run(one.driver.leases.put("outbox http://a", left))
  const taking = opened.stores.map((store) =>
    whileSending(sender(store, "http://a"), Effect.delay(Effect.void, 200))
  )
  const taken = await opened.run(Effect.all(taking, { concurrency: "unbounded" }))
  // Both see that it is dead, and one of them takes its place.
  expect(taken.filter(Option.isSome)).toHaveLength(1)
  expect(await opened.run(whileSending(sender(two, "http://a"), Effect.succeed("sent")))).toEqual(
    Option.some("sent")
  )
})

test("a failure to send gives the lease back", async () => {
  await using opened = await openStores()
  const [one, two] = opened.stores
  const failed = await opened.run(
    Effect.either(whileSending(sender(one, "http://a"), Effect.fail("refused")))
  )
  expect(failed).toMatchObject({ _tag: "Left", left: "refused" })
  expect(await opened.run(whileSending(sender(two, "http://a"), Effect.succeed("sent")))).toEqual(
    Option.some("sent")
  )
})
