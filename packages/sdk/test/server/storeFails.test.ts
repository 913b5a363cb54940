/** A store that refuses: whoever asks is told to try again, and the operator what the disk or the database said. */
import { expect, test } from "bun:test"
import * as Engine from "@patchmoi/core/engine/Engine"
import { layer as layerSteps } from "@patchmoi/core/executor/ExecutorMemory"
import { layerMemory as layerCatalog } from "@patchmoi/core/flow/FlowCatalog"
import * as DriverMemory from "@patchmoi/core/store/DriverMemory"
import { StoreError } from "@patchmoi/core/store/Log"
import * as Store from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as FlowLocal from "../../src/FlowLocal.ts"
import * as FlowServer from "../../src/server/FlowServer.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { openServer, type Place } from "./place.ts"

/** Sends a request to a server over this flow; gives the answer and what was logged. */
const ask = async (flow: Place["flow"], path: string, init: RequestInit = {}) => {
  const logged: Array<string> = []
  const logger = Logger.make(({ message }) => void logged.push(String(message)))
  const answer = await Effect.runPromise(
    FlowServer.make(flow).pipe(
      Effect.flatMap(({ fetch }) =>
        Effect.promise(async () => {
          const answer = await fetch(
            new Request(`http://127.0.0.1${path}`, { ...init, headers: { host: "127.0.0.1" } })
          )
          return { status: answer.status, headers: answer.headers, text: await answer.text() }
        })
      ),
      Effect.scoped,
      Effect.provide(Logger.replace(Logger.defaultLogger, logger))
    )
  )
  return { ...answer, logged }
}

test("what the store says is in the log on every route, in one line, and in no answer", async () => {
  await using place = await openServer()
  const failing = Effect.fail(
    new StoreError({ operation: "record", reason: "the disk of /srv is full (SQLITE_FULL)" })
  )
  const flow = { ...place.flow, acceptEvent: () => failing, listRuns: () => failing }
  const dispatched = { method: "POST", body: JSON.stringify(echoEvent("1")) }
  for (const { status, headers, text, logged } of [
    await ask(flow, "/events", dispatched),
    await ask(flow, "/runs")
  ]) {
    expect([status, headers.get("retry-after")]).toEqual([503, "1"])
    expect(text).not.toMatch(/srv|SQLITE/)
    expect(logged).toHaveLength(1)
    expect(logged[0]).toEndWith("The store could not record: the disk of /srv is full (SQLITE_FULL)")
  }
})

test("a server whose store is read, and takes no writes, is not ready", async () => {
  const refused = new StoreError({ operation: "write to the log", reason: "the disk of /srv was full" })
  const flowWhere = (isWritable: boolean) =>
    Effect.gen(function* () {
      const driver = yield* DriverMemory.make
      const commit: typeof driver.commit = (facts) =>
        isWritable ? driver.commit(facts) : Effect.fail(refused)
      const store = Store.layerDriver(Effect.succeed({ ...driver, commit }))
      const parts = Layer.mergeAll(store, layerCatalog([]), layerSteps({}))
      return yield* Effect.provide(FlowLocal.make(), Layer.provideMerge(Engine.layer({ runs: false }), parts))
    }).pipe(Effect.scoped, Effect.runPromise)
  expect((await ask(await flowWhere(true), "/readyz")).status).toBe(200)
  const { status, text } = await ask(await flowWhere(false), "/readyz")
  expect(status).toBe(503)
  expect(JSON.parse(text)).toEqual({ ok: false, reason: "The store does not answer, or takes no writes" })
})

test("a bug is in the log with what it says and where it is, and in no answer", async () => {
  await using place = await openServer()
  const flow = { ...place.flow, acceptEvent: () => Effect.die(new TypeError("no such thing")) }
  const { status, text, logged } = await ask(flow, "/events", { method: "POST", body: "{}" })
  expect(status).toBe(500)
  expect(text).not.toContain("no such thing")
  expect(logged.join()).toMatch(/no such thing[\s\S]+storeFails\.test\.ts/)
})
