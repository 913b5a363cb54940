/** Errors: of their exported class, with the facts as fields and a message, and without our engine room. */
import { expect, test } from "bun:test"
import * as errors from "../client/errors.ts"
import {
  echoEvent,
  gateEvent,
  type OpenClient,
  openGate,
  openPlace,
  rejection,
  started
} from "./ClientContractPlace.ts"

/** Registers the tests of errors: each is of its exported class, has its facts as fields, and names what was asked for. */
export const errorContract = (open: OpenClient): void => {
  test("what is not there is told by its id", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const halfPair = "\ud800"
    for (const id of ["none", "", "__proto__", "a/b?c#d", "x".repeat(600), halfPair]) {
      for (const call of [() => client.getEvent(id), () => client.replayEvent(id)]) {
        await expectError(call(), errors.UnknownEvent, { eventId: id }, `Unknown event: ${id}`)
      }
    }
    for (const id of ["none", "", ".", "..", "stuck", "__proto__", "a/b?c#d", "x".repeat(9_000), halfPair]) {
      for (const call of [() => client.getRun(id), () => client.cancelRun(id)]) {
        await expectError(call(), errors.UnknownRun, { runId: id }, `Unknown run: ${id}`)
      }
      for (const call of [() => client.getMaintenanceAttempt(id), () => client.syncMaintenanceAttempt(id)]) {
        await expectError(call(), errors.UnknownMaintenanceAttempt, { attemptId: id }, id)
      }
    }
  })

  test("an option that is not what it must be is told by its name, without what it holds", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const lists = (options: object): ReadonlyArray<() => Promise<unknown>> => [
      () => client.listEvents(options),
      () => client.listRuns(options),
      () => client.listMaintenanceAttempts(options),
      () => client.listDispatches(options)
    ]
    const watch = (after: number) => async () => {
      for await (const _ of client.watch({ after })) return
    }
    const long = "x".repeat(1_025)
    const table: ReadonlyArray<
      readonly [field: string, reason: string, calls: ReadonlyArray<() => Promise<unknown>>]
    > = [
      ["status", "Expected one of", lists({ status: "no status" }).slice(1)],
      ...[1.5, Number.POSITIVE_INFINITY, 1e21].map(
        (limit) => ["limit", "a whole number from 1 to 500", lists({ limit })] as const
      ),
      ...[Number.NaN, Number.NEGATIVE_INFINITY, 1.5, 1e21].flatMap((time) => [
        ["since", "Expected a time", lists({ since: time })] as const,
        ["until", "Expected a time", lists({ until: time })] as const
      ]),
      ["type", "at most 1024 character(s) long", lists({ type: long })],
      ["typ", "not known here", lists({ typ: "t" })],
      ["cursor", "at most 8192 character(s) long", lists({ cursor: "x".repeat(8_193) })],
      ["reason", "at most 1024 character(s) long", [() => client.cancelRun("run_x", { reason: long })]],
      ["after", "Expected", [-1, 0.5, Number.NaN].map(watch)]
    ]
    for (const [field, reason, calls] of table) {
      for (const call of calls) {
        const error = await rejection(call())
        expect(error).toBeInstanceOf(errors.BackendRefused)
        expect(error).toMatchObject({ status: 400, code: "InvalidRequest", field })
        if (!(error instanceof errors.BackendRefused)) return
        expect(error.reason).toContain(reason)
        expect(error.reason).not.toMatch(/actual|xx/)
      }
    }
    // What fits is no error, also at its edges.
    for (const call of lists({
      type: "x".repeat(1_024),
      limit: 9_999,
      since: -1,
      until: Date.UTC(9999, 0)
    })) {
      await call()
    }
  })

  test("what is not an event is told by its field", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const table: ReadonlyArray<readonly [event: unknown, field: string, reason: string]> = [
      [{ id: 7, type: "t" }, "id", "string"],
      [{ id: " ", type: "t" }, "id", "blank"],
      [{ id: "x".repeat(513), type: "t" }, "id", "512"],
      [{ id: "1" }, "type", "string"],
      [{ id: "1", type: "t", payload: nested(80) }, "payload", "64"],
      ["text", "", "object"],
      [[1], "", "object"],
      [null, "", "object"]
    ]
    for (const [event, field, reason] of table) {
      for (const call of [() => client.dispatchEvent(event), () => client.explainEvent(event)]) {
        const error = await rejection(call())
        expect(error).toBeInstanceOf(errors.InvalidEvent)
        if (!(error instanceof errors.InvalidEvent)) return
        expect([error._tag, error.field.split("/")[0]]).toEqual(["InvalidEvent", field])
        expect(error.message).toContain("Not a flow event")
        expect(error.reason).toContain(reason)
        expect(error.message).toContain(error.reason)
      }
    }
    expect((await client.listEvents()).events).toEqual([])
  })

  test("a cursor that a list did not give is told", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(echoEvent("1"))
    await client.dispatchEvent(echoEvent("2"))
    const { cursor = "" } = await client.listEvents({ limit: 1 })
    expect(cursor).not.toBe("")
    for (const wrong of ["made up", cursor]) {
      for (const call of [
        () => client.listEvents({ type: "other", cursor: wrong }),
        () => client.listRuns({ cursor: wrong }),
        () => client.listMaintenanceAttempts({ cursor: wrong }),
        () => client.listDispatches({ cursor: wrong })
      ]) {
        await expectError(call(), errors.CursorInvalid, { cursor: wrong.slice(0, 100) }, "cursor")
      }
    }
  })

  test("a run that ended cannot be canceled", async () => {
    await using place = await openPlace(open)
    const { runIds } = await place.client.dispatchEvent(echoEvent("1"))
    const runId = runIds[0] ?? ""
    const facts = { runId, processStatus: "completed" }
    await expectError(place.client.cancelRun(runId), errors.RunAlreadyEnded, facts, "completed")
  })

  test("a full queue is told with its numbers, and takes in again what comes once it has room", async () => {
    await using place = await openPlace(open, { queueMax: 1 })
    const { client, root } = place
    const wait = false
    await client.dispatchEvent(gateEvent("1", root), { wait })
    await started(root, "1")
    await client.dispatchEvent(gateEvent("2", root), { wait })
    const facts = { queued: 1, queueMax: 1, retryAfterMillis: 1_000 }
    const third = () => client.dispatchEvent(gateEvent("3", root), { wait })
    for (const call of [third, () => client.replayEvent("1", { wait })]) {
      await expectError(call(), errors.QueueFull, facts, "1 runs wait already")
    }
    // What queues nothing is not held back.
    expect((await client.dispatchEvent(gateEvent("2", root), { wait })).status).toBe("duplicate")
    expect((await client.dispatchEvent({ id: "4", type: "matches.nothing" })).status).toBe("accepted")
    expect((await client.listEvents()).events.map(({ id }) => id)).toEqual(["4", "2", "1"])
    for (const id of ["1", "2", "3"]) await openGate(root, id)
    await started(root, "2")
    expect((await third()).status).toBe("accepted")
  })
}

// --- internal ---

const expectError = async <A extends errors.FlowError>(
  call: Promise<unknown>,
  kind: new (...options: never) => A,
  facts: object,
  message: string
): Promise<void> => {
  const error = await rejection(call)
  expect(error).toBeInstanceOf(kind)
  expect(error).toBeInstanceOf(errors.FlowError)
  if (!(error instanceof errors.FlowError)) return
  expect(Object.fromEntries(Object.entries(error))).toEqual({ ...facts, _tag: kind.name, name: kind.name })
  expect(error.message).toContain(message)
  expect(error.stack).not.toMatch(/node_modules|effect\/src|fiberRuntime/)
}

const nested = (depth: number): unknown => (depth === 0 ? "end" : { deeper: nested(depth - 1) })
