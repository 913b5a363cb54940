/** Canceling: queued, running and ended runs. */
import { expect, test } from "bun:test"
import { echoEvent, gateEvent, type OpenClient, openPlace, started } from "./ClientContractPlace.ts"

/** Registers the tests of cancels: a run ends whether it is queued or under way, and whoever waits for it gets it. */
export const cancelContract = (open: OpenClient): void => {
  test("a cancel ends a queued run at once, and a running one with its process", async () => {
    await using place = await openPlace(open)
    const { client, root } = place
    const running = (await client.dispatchEvent(gateEvent("held", root), { wait: false })).runIds[0] ?? ""
    await started(root, "held")
    const queued = (await client.dispatchEvent(echoEvent("1"), { wait: false })).runIds[0] ?? ""
    const held = await client.getRun(running)
    expect(held).toMatchObject({ processStatus: "running", waitingOn: { _tag: "Lease" } })

    expect(await client.cancelRun(queued, { by: "mira", reason: "not now" })).toMatchObject({
      run: { id: queued, processStatus: "canceled", status: "canceled", attemptCount: 0 }
    })
    const canceled = await client.cancelRun(running)
    expect(canceled.run).toMatchObject({
      id: running,
      processStatus: "canceled",
      exit: { _tag: "Canceled" },
      attempts: [{ status: "canceled" }]
    })
    expect(canceled.run.waitingOn).toBeUndefined()
    // Again is no error and changes nothing.
    expect(await client.cancelRun(running)).toEqual(canceled)
    expect((await client.listRuns({ status: "canceled" })).runs).toHaveLength(2)
    for await (const { type, id, data } of client.watch()) {
      if (type !== "RunCancelRequested" || id !== queued) continue
      expect(data).toMatchObject({ reason: "not now" })
      break
    }
  })

  test("whoever waits for a run that is canceled gets it", async () => {
    await using place = await openPlace(open)
    const { client, root } = place
    const waiting = client.dispatchEvent(gateEvent("held", root))
    await started(root, "held")
    const [run] = (await client.listRuns()).runs
    await client.cancelRun(run?.id ?? "")
    expect((await waiting).runs).toMatchObject([{ id: run?.id ?? "", processStatus: "canceled" }])
  })
}
