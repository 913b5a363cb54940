/** How calls end: by an abort, and by closing the client. */
import { expect, test } from "bun:test"
import { ClientClosed } from "../client/errors.ts"
import type { FlowCalls } from "../client/FlowCalls.ts"
import {
  echoEvent,
  eventually,
  gateEvent,
  type OpenClient,
  openGate,
  openPlace,
  rejection,
  started
} from "./ClientContractPlace.ts"

/** Registers the tests of how calls end: an abort or a close ends them with an error of its own, and undoes nothing. */
export const endingContract = (open: OpenClient): void => {
  test("an abort before a call sends nothing and throws the reason", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const reason = new Error("enough")
    const signal = AbortSignal.abort(reason)
    for (const call of everyCall(client, signal)) expect(await rejection(call())).toBe(reason)
    expect((await client.listEvents()).events).toEqual([])
  })

  test("an abort during a wait throws the reason and undoes nothing", async () => {
    await using place = await openPlace(open)
    const { client, root } = place
    const reason = new Error("enough")
    const controller = new AbortController()
    const waiting = client.dispatchEvent(gateEvent("held", root), { signal: controller.signal })
    await started(root, "held")
    controller.abort(reason)
    expect(await rejection(waiting)).toBe(reason)
    expect((await client.listRuns()).runs).toMatchObject([{ processStatus: "running" }])
    await openGate(root, "held")
    await eventually("the run ends", async () => {
      const [run] = (await client.listRuns()).runs
      return run?.processStatus === "completed"
    })
  })

  test("an abort ends a watch that waits for a change", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(echoEvent("1"))
    const controller = new AbortController()
    const reason = new Error("enough")
    const seen: Array<string> = []
    const watching = (async () => {
      for await (const { type } of client.watch({ signal: controller.signal })) {
        seen.push(type)
        if (type === "RunEnded") controller.abort(reason)
      }
    })()
    expect(await rejection(watching)).toBe(reason)
    expect(seen.at(-1)).toBe("RunEnded")
  })

  test("closing ends what waits with ClientClosed, may be called again, and refuses every later call", async () => {
    await using place = await openPlace(open)
    const { client, root } = place
    await client.dispatchEvent(gateEvent("held", root), { wait: false })
    await started(root, "held")
    const queued = rejection(client.dispatchEvent(echoEvent("queued")))
    const watching = rejection(
      (async () => {
        for await (const _ of client.watch());
      })()
    )
    await eventually("the second is queued", async () => (await client.listRuns()).runs.length === 2)
    const closed = [client.close(), client.close()]
    await openGate(root, "held")
    await Promise.all(closed)
    expect(await queued).toBeInstanceOf(ClientClosed)
    expect(await watching).toBeInstanceOf(ClientClosed)
    await client.close()
    for (const call of everyCall(client)) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(ClientClosed)
      expect(error).toMatchObject({ _tag: "ClientClosed", message: "The client is closed" })
    }
  })
}

// --- internal ---

const everyCall = (client: FlowCalls, signal?: AbortSignal): ReadonlyArray<() => Promise<unknown>> => {
  const options = signal === undefined ? {} : { signal }
  return [
    () => client.dispatchEvent(echoEvent("1"), options),
    () => client.replayEvent("1", options),
    () => client.cancelRun("1", options),
    () => client.getEvent("1", options),
    () => client.listEvents(options),
    () => client.getRun("1", options),
    () => client.listRuns(options),
    () => client.explainEvent(echoEvent("1"), options),
    () => client.listFlows(options),
    () => client.watch(options).next(),
    () => client.getMaintenanceAttempt("1", options),
    () => client.listMaintenanceAttempts(options),
    () => client.listDispatches(options)
  ]
}
