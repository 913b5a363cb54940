/** Runs that ask a person: approved, rejected, and what is refused. */
import { expect, test } from "bun:test"
import * as errors from "../client/errors.ts"
import { echoEvent, eventually, type OpenClient, openPlace, rejection } from "./ClientContractPlace.ts"

/** Registers the tests of approvals: a run that asks waits, is told the decision, and takes none that was not on offer. */
export const approvalContract = (open: OpenClient): void => {
  test("a run that asks waits, and runs again with the decision", async () => {
    await using place = await openPlace(open)
    const { client } = place
    for (const [id, decide] of [
      ["yes", (runId: string) => client.approveRun(runId, { choice: "ship", comment: "well done" })],
      ["no", (runId: string) => client.rejectRun(runId, { comment: "not yet" })]
    ] as const) {
      const [asking] = (await client.dispatchEvent({ id, type: "demo.ask" })).runs
      expect(asking).toMatchObject({
        status: "blocked",
        needsAttention: true,
        waitingOn: { _tag: "Approval", prompt: "Ship it?", choices: ["ship", "hold"] }
      })
      const runId = asking?.id ?? ""
      await decide(runId)
      const decided = await eventually("the run ends again", async () => {
        const run = await client.getRun(runId)
        return run.processStatus === "completed" && run.attemptCount === 2 && run
      })
      const told = id === "yes" ? ["approved", "ship", "well done"] : ["rejected", null, "not yet"]
      expect(decided).toMatchObject({ status: "changed", resultPayload: { message: JSON.stringify(told) } })
      expect(decided.approvals).toMatchObject([
        { decision: told[0], comment: told[2], prompt: "Ship it?", at: expect.any(String) }
      ])
    }
  })

  test("a decision that nobody asked for, or that was not on offer, is refused", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const [echo] = (await client.dispatchEvent(echoEvent("1"))).runs
    const [asking] = (await client.dispatchEvent({ id: "2", type: "demo.ask" })).runs
    for (const call of [() => client.approveRun(echo?.id ?? ""), () => client.rejectRun(echo?.id ?? "")]) {
      const error = await rejection(call())
      expect(error).toBeInstanceOf(errors.RunNotAwaitingApproval)
      expect(error).toMatchObject({ _tag: "RunNotAwaitingApproval", runId: echo?.id ?? "" })
    }
    const error = await rejection(client.approveRun(asking?.id ?? "", { choice: "throw away" }))
    expect(error).toBeInstanceOf(errors.InvalidDecision)
    expect(error).toMatchObject({ _tag: "InvalidDecision", runId: asking?.id ?? "" })
    expect(await rejection(client.approveRun("none"))).toBeInstanceOf(errors.UnknownRun)
    expect((await client.getRun(asking?.id ?? "")).waitingOn?._tag).toBe("Approval")
  })

  test("what a run waits for is told, and none is stuck", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent({ id: "1", type: "demo.ask" })
    const report = await client.stuckRuns({ all: true })
    expect(report.counts).toEqual({ Slot: 0, Lease: 0, Time: 0, Approval: 1, Stuck: 0 })
    expect(report.runs).toMatchObject([{ flowName: "ask", stepName: "go" }])
    expect((await client.stuckRuns()).runs).toEqual([])
  })
}
