/** Dispatch and replay: what is waited for, what a duplicate is answered, and what a run and an event look like. */

import { expect, test } from "bun:test"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import {
  echoEvent,
  eventually,
  gateEvent,
  type OpenClient,
  openGate,
  openPlace
} from "./ClientContractPlace.ts"

/** Registers the tests of dispatch and replay: an event is taken in once, its runs are waited for, a replay adds to them. */
export const dispatchContract = (open: OpenClient): void => {
  test("a dispatch waits for its runs and gives them with their output", async () => {
    await using place = await openPlace(open)
    const payload = { status: "changed", message: "moved", artifacts: { n: 1, list: [null, "two"] } }
    const result = await place.client.dispatchEvent({
      ...echoEvent("1", payload),
      source: "somewhere",
      occurredAt: "2026-01-02T03:04:05Z",
      labels: ["x"]
    })
    expect(result).toMatchObject({ status: "accepted", eventId: "1", matched: 1 })
    expect(Object.keys(result).toSorted()).toEqual([
      "event",
      "eventId",
      "matched",
      "runIds",
      "runs",
      "status"
    ])
    const [run] = result.runs
    expect(run).toMatchObject({
      id: result.runIds[0] ?? "",
      eventId: "1",
      flowName: "echo",
      flowVersion: 1,
      stepName: "go",
      runner: "bun",
      backend: expect.any(String),
      generation: 0,
      processStatus: "completed",
      resultStatus: "changed",
      status: "changed",
      effectiveStatus: "changed",
      needsAttention: false,
      attemptCount: 1,
      resultPayload: payload,
      exit: { _tag: "ExitCode", code: 0 }
    })
    expect(textOf(run?.output, "stdout")).toContain("working on 1")
    expect(textOf(run?.output, "stderr")).toBe("and complaining\n")
    expect(run?.latestOutput).toBe(run?.output.at(-1)?.text ?? "")
    expect(run?.attempts[0]).toMatchObject({ attemptNumber: 1, status: "completed" })
    expect(JSON.stringify(result)).not.toContain("leaseToken")
    expect(result.event).toMatchObject({
      id: "1",
      type: "demo.echo",
      source: "somewhere",
      occurredAt: "2026-01-02T03:04:05Z",
      labels: ["x"],
      payload,
      runIds: result.runIds,
      generation: 0,
      depth: 0,
      maintenanceAttemptIds: [],
      differingDuplicates: []
    })
    expect(await place.client.getRun(run?.id ?? "")).toEqual(run as never)
    const event = await place.client.getEvent("1")
    // An event shows its runs without their output.
    const { latestOutput: _, ...brief } = run ?? { latestOutput: "" }
    expect(event).toEqual({ ...result.event, runs: [{ ...brief, output: [] }] } as never)
  })

  test("a dispatch that does not wait gives queued runs, and they end all the same", async () => {
    await using place = await openPlace(open)
    const { client, root } = place
    await client.dispatchEvent(gateEvent("held", root), { wait: false })
    const { runs } = await client.dispatchEvent(echoEvent("1"), { wait: false })
    expect(runs).toMatchObject([{ processStatus: "queued", status: "queued", attemptCount: 0, output: [] }])
    expect(runs[0]?.waitingOn).toEqual({ _tag: "Slot" })
    await openGate(root, "held")
    const ended = await eventually("the run ends", async () => {
      const run = await client.getRun(runs[0]?.id ?? "")
      return run.processStatus === "completed" && run
    })
    expect(ended.resultPayload).toEqual({ status: "completed" })
  })

  test("an event that matches nothing is accepted without runs", async () => {
    await using place = await openPlace(open)
    const result = await place.client.dispatchEvent({ id: "1", type: "demo.nobody" })
    expect(result).toMatchObject({ status: "accepted", matched: 0, runIds: [], runs: [] })
    expect(result.event).toMatchObject({ id: "1", payload: {}, runs: [] })
  })

  test("a known id is answered with the runs that it has, and whether the content differs", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const first = await client.dispatchEvent(echoEvent("1"))
    const again = await client.dispatchEvent({ ...echoEvent("1"), occurredAt: "2026-01-01" })
    expect(again).toMatchObject({ status: "duplicate", idempotent: true, runIds: first.runIds, matched: 1 })
    expect(again).not.toHaveProperty("payloadDiffers")
    expect(again.runs).toEqual(first.runs as never)
    const other = await client.dispatchEvent(echoEvent("1", { status: "failed" }))
    expect(other).toMatchObject({ status: "duplicate", idempotent: true, payloadDiffers: true })
    const event = await client.getEvent("1")
    expect(event.payload).toEqual({ status: "completed" })
    expect(event.differingDuplicates).toEqual([{ at: expect.any(String), type: "demo.echo" }])
  })

  test("an event whose history was compacted is a duplicate as before, and its runs are gone", async () => {
    await using place = await openPlace(open)
    const { client, compact } = place
    const first = await client.dispatchEvent(echoEvent("1"))
    // Compaction takes what ended before now.
    await eventually(
      "time went on",
      () => Date.parse(first.runs[0]?.updatedAt ?? "") < Effect.runSync(Clock.currentTimeMillis)
    )
    await compact?.()
    const runs = compact === undefined ? first.runs : []
    for (const wait of [true, false]) {
      const again = await client.dispatchEvent(echoEvent("1"), { wait })
      expect(again).toMatchObject({ status: "duplicate", idempotent: true, runIds: first.runIds, matched: 1 })
      expect(again.runs).toEqual(runs as never)
      expect(again.event).toMatchObject({ id: "1", runIds: first.runIds, runs: runs as never })
    }
    const other = await client.dispatchEvent(echoEvent("1", { status: "failed" }))
    expect(other).toMatchObject({ status: "duplicate", payloadDiffers: true, runs: runs as never })
  })

  test("a duplicate has the output of the runs of every generation", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(echoEvent("1"))
    await client.replayEvent("1")
    const { runs } = await client.dispatchEvent(echoEvent("1"))
    expect(runs.map(({ output }) => textOf(output, "stdout").includes("working on 1"))).toEqual([true, true])
  })

  test("one id that many dispatch at the same time is accepted once", async () => {
    await using place = await openPlace(open)
    const results = await Promise.all(
      Array.from({ length: 8 }, () => place.client.dispatchEvent(echoEvent("1")))
    )
    expect(results.filter(({ status }) => status === "accepted")).toHaveLength(1)
    expect(new Set(results.flatMap(({ runIds }) => runIds)).size).toBe(1)
    expect(results.every(({ runs }) => runs[0]?.processStatus === "completed")).toBe(true)
  })

  test("a replay adds a generation and keeps the first", async () => {
    await using place = await openPlace(open)
    const { client, root } = place
    const first = await client.dispatchEvent(echoEvent("1"))
    const second = await client.replayEvent("1")
    expect(second).toMatchObject({ status: "accepted", eventId: "1", matched: 1 })
    expect(second.runs).toMatchObject([{ generation: 1, processStatus: "completed" }])
    const event = await client.getEvent("1")
    expect(event.runIds).toEqual([...first.runIds, ...second.runIds])
    expect(event.runs.map(({ generation }) => generation)).toEqual([0, 1])
    await client.dispatchEvent(gateEvent("held", root), { wait: false })
    const third = await client.replayEvent("1", { wait: false })
    expect(third.runs).toMatchObject([{ generation: 2, processStatus: "queued" }])
    await openGate(root, "held")
  })

  test.each([
    ["skipped", false],
    ["completed", false],
    ["changed", false],
    ["needs_intervention", true],
    ["blocked", true],
    ["failed", true]
  ] as const)("a result %s is shown, and that it needs attention: %p", async (status, needsAttention) => {
    await using place = await openPlace(open)
    const { runs } = await place.client.dispatchEvent(echoEvent("1", { status }))
    expect(runs).toMatchObject([
      { processStatus: "completed", resultStatus: status, status, effectiveStatus: status, needsAttention }
    ])
    // No signal of upstream, no maintenance.
    expect((await place.client.listMaintenanceAttempts()).attempts).toEqual([])
  })

  test("all output of a run is given, in order", async () => {
    await using place = await openPlace(open)
    const { runs } = await place.client.dispatchEvent({ id: "1", type: "demo.flood" })
    const lines = textOf(runs[0]?.output, "stdout").split("\n")
    expect(lines.length).toBeGreaterThan(2000)
    expect(lines.slice(0, 2000).map((line) => line.split(" ")[1])).toEqual(
      Array.from({ length: 2000 }, (_, index) => String(index + 1))
    )
  })

  test("what the wire may bring is taken as it is: array payloads, null, odd ids, text of every kind", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const payloads: ReadonlyArray<unknown> = [[1, "two"], null, "text", 1.5, false, { ключ: "値 \u2028 🙂" }]
    const ids = ["a/b", "c?d=e&f#g", "50%", "ö é 🙂", "...", "patch:x:tag:github.com,2008:Repo/1/v1:t"]
    for (const [index, id] of ids.entries()) {
      const event = { id, type: "demo.nobody", receivedAt: null, payload: payloads[index] }
      expect((await client.dispatchEvent(event)).event).toMatchObject({ id, payload: payloads[index] })
      expect((await client.getEvent(id)).payload).toEqual(payloads[index])
      expect((await client.replayEvent(id)).status).toBe("accepted")
    }
    const { events } = await client.listEvents()
    expect(events.map(({ id }) => id)).toEqual(ids.toReversed())
    expect(events.every(({ receivedAt }) => Date.parse(receivedAt) > 0)).toBe(true)
  })
}

// --- internal ---

const textOf = (
  output: ReadonlyArray<{ readonly kind: string; readonly text: string }> | undefined,
  kind: string
): string => (output ?? []).flatMap((piece) => (piece.kind === kind ? piece.text : [])).join("")
