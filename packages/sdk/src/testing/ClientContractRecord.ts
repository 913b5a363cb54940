/** The record of upstream movements: maintenance attempts and dispatches. */
import { expect, test } from "bun:test"
import { echoEvent, type OpenClient, openPlace } from "./ClientContractPlace.ts"

/** Registers the tests of the record: a movement of upstream leaves an attempt and a dispatch, a replay another of each. */
export const recordContract = (open: OpenClient): void => {
  test("each signal's event leaves an attempt and a dispatch, listed by event and by status", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(signal("1", "changed"))
    await client.dispatchEvent(signal("2", "needs_intervention"))
    await client.dispatchEvent({ id: "3", type: "demo.nobody", source: "patch" })
    await client.dispatchEvent(echoEvent("4"))
    const { attempts } = await client.listMaintenanceAttempts()
    expect(attempts.map(({ eventId, status }) => [String(eventId), status])).toEqual([
      ["3", "skipped"],
      ["2", "needs_intervention"],
      ["1", "changed"]
    ])
    expect(attempts[0]?.message).toContain("demo.nobody")
    expect(attempts[2]).toMatchObject({
      operation: "dispatch",
      upstreamTag: "v1",
      upstreamRepo: "a/b",
      candidateRefs: [{ kind: "ref", ref: "refs/heads/1" }]
    })
    const [changed] = (await client.listMaintenanceAttempts({ status: "changed" })).attempts
    expect(changed?.eventId).toBe("1" as never)
    expect(await client.getMaintenanceAttempt(changed?.id ?? "")).toEqual(changed as never)
    expect((await client.getEvent("1")).maintenanceAttemptIds).toEqual([String(changed?.id)])
    expect((await client.listMaintenanceAttempts({ eventId: "2" })).attempts).toHaveLength(1)
    expect(await client.listMaintenanceAttempts({ eventId: "2", status: "changed" })).toEqual({
      attempts: []
    })
    const page = await client.listMaintenanceAttempts({ limit: 2 })
    const rest = await client.listMaintenanceAttempts({ limit: 2, cursor: page.cursor ?? "" })
    expect(rest.attempts.map(({ eventId }) => String(eventId))).toEqual(["1"])
  })

  test("a replay leaves another dispatch and closes the attempt before", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(signal("1", "blocked"))
    await client.replayEvent("1")
    const { dispatches } = await client.listDispatches({ eventId: "1" })
    expect(dispatches).toMatchObject([
      { operation: "replay", target: "local", status: "dispatched", matched: 1 },
      { operation: "dispatch", target: "local", status: "dispatched", matched: 1 }
    ])
    const { attempts } = await client.listMaintenanceAttempts({ eventId: "1" })
    expect(attempts.map(({ operation, status }) => [operation, status])).toEqual([
      ["replay", "blocked"],
      ["dispatch", "blocked"]
    ])
    expect(attempts[1]?.replacedBy).toBe(attempts[0]?.id as never)
    expect(await client.listDispatches({ status: "failed" })).toEqual({ dispatches: [] })
    const page = await client.listDispatches({ limit: 1 })
    const rest = await client.listDispatches({ limit: 1, cursor: page.cursor ?? "" })
    expect(rest.dispatches.map(({ operation }) => operation)).toEqual(["dispatch"])
  })
}

// --- internal ---

const signal = (id: string, status: string) => ({
  ...echoEvent(id, { status, tag: "v1", repo: "a/b", artifacts: { candidateRef: `refs/heads/${id}` } }),
  source: "patch"
})
