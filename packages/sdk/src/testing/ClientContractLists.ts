/** Lists: newest first, paged without gap or repeat, filtered; and what is asked about flows. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import type { ListRunsOptions } from "../Flow.ts"
import { echoEvent, gateEvent, type OpenClient, openGate, openPlace } from "./ClientContractPlace.ts"

/** Registers the tests of lists: pages give every item once and newest first, filters go together, and flows are told. */
export const listContract = (open: OpenClient): void => {
  test("pages of a list give every item once, newest first", async () => {
    await using place = await openPlace(open)
    const { client } = place
    for (const id of ["1", "2", "3", "4", "5"]) await client.dispatchEvent(echoEvent(id))
    const newestFirst = ["5", "4", "3", "2", "1"]
    for (const limit of [1, 2, 5, 500]) {
      const events = await everyPage(limit, async (page) => {
        const { events, ...next } = await client.listEvents(page)
        return { items: events.map(({ id }) => id), ...next }
      })
      const runs = await everyPage(limit, async (page) => {
        const { runs, ...next } = await client.listRuns(page)
        return { items: runs.map(({ eventId }) => String(eventId)), ...next }
      })
      expect({ limit, events, runs }).toEqual({ limit, events: newestFirst, runs: newestFirst })
    }
    const listed = await client.listEvents()
    expect((await client.listEvents({ limit: 0 })).events).toEqual(listed.events)
    expect(listed.events.every(({ runs }) => runs.length === 0)).toBe(true)
    expect((await client.listRuns()).runs.every(({ output }) => output.length === 0)).toBe(true)
    expect(Object.keys(listed)).toEqual(["events"])
  })

  test("events are filtered by type", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(echoEvent("1"))
    await client.dispatchEvent({ id: "2", type: "a&b=c d" })
    expect((await client.listEvents({ type: "a&b=c d" })).events.map(({ id }) => id)).toEqual(["2"])
    expect(await client.listEvents({ type: "none" })).toEqual({ events: [] })
  })

  test("runs are filtered by event, flow, status and need of attention, in every combination", async () => {
    await using place = await openPlace(open)
    const { client, root } = place
    await client.dispatchEvent(echoEvent("changed", { status: "changed" }))
    await client.dispatchEvent(echoEvent("blocked", { status: "blocked" }))
    await client.dispatchEvent(echoEvent("failed", { status: "failed" }))
    await client.dispatchEvent({ id: "flood", type: "demo.flood" })
    await client.dispatchEvent(gateEvent("held", root), { wait: false })
    await client.dispatchEvent(echoEvent("queued"), { wait: false })
    const table: ReadonlyArray<readonly [ListRunsOptions, ReadonlyArray<string>]> = [
      [{}, ["queued", "held", "flood", "failed", "blocked", "changed"]],
      [{ eventId: "blocked" }, ["blocked"]],
      [{ eventId: "none" }, []],
      [{ flowName: "echo" }, ["queued", "failed", "blocked", "changed"]],
      [{ flowName: "flood", eventId: "blocked" }, []],
      [{ status: "queued" }, ["queued"]],
      [{ status: "completed" }, ["flood", "failed", "blocked", "changed"]],
      [{ status: "changed" }, ["changed"]],
      [{ status: "failed" }, ["failed"]],
      [{ needsAttention: true }, ["failed", "blocked"]],
      [{ needsAttention: true, status: "blocked" }, ["blocked"]],
      [{ needsAttention: false, flowName: "echo" }, ["queued", "changed"]]
    ]
    for (const [filter, expected] of table) {
      const { runs } = await client.listRuns(filter)
      expect({ filter, found: runs.map(({ eventId }) => String(eventId)) }).toEqual({
        filter,
        found: [...expected]
      })
    }
    expect(await client.listRuns({ eventId: "none" })).toEqual({ runs: [], eventId: "none" })
    // A filter that finds its last item at the end of a page does not lose what is behind it.
    const both = await everyPage(1, async (page) => {
      const { runs, ...next } = await client.listRuns({ needsAttention: true, ...page })
      return { items: runs.map(({ eventId }) => String(eventId)), ...next }
    })
    expect(both).toEqual(["failed", "blocked"])
    await openGate(root, "held")
  })

  test("flows are listed with those that are broken", async () => {
    await using place = await openPlace(open)
    const { flows, broken } = await place.client.listFlows()
    expect(flows.map(({ name }) => name)).toEqual(["ask", "echo", "flood", "gate", "strict"])
    expect(flows[1]).toMatchObject({
      name: "echo",
      version: 1,
      root: join(place.root, "flows/echo"),
      steps: [{ name: "go", trigger: { type: "demo.echo" } }]
    })
    expect(broken.map(({ root }) => root)).toEqual([join(place.root, "flows/broken")])
    expect(broken[0]?.issues.length).toBeGreaterThan(0)
  })

  test("an explanation says for every step whether it would run and why not, and records nothing", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const { steps, broken } = await client.explainEvent({ id: "1", type: "demo.strict", payload: {} })
    expect(steps.map(({ flowName, matched }) => [flowName, matched])).toEqual([
      ["ask", false],
      ["echo", false],
      ["flood", false],
      ["gate", false],
      ["strict", false]
    ])
    expect(steps[4]?.reason).toContain("tag")
    expect(broken).toHaveLength(1)
    const matching = await client.explainEvent(echoEvent("1"))
    expect(matching.steps[1]).toMatchObject({ flowName: "echo", stepName: "go", matched: true })
    expect((await client.listEvents()).events).toEqual([])
  })
}

// --- internal ---

interface Paged {
  readonly items: ReadonlyArray<string>
  readonly cursor?: string
}

const everyPage = async (
  limit: number,
  list: (page: { readonly limit: number; readonly cursor?: string }) => Promise<Paged>
): Promise<ReadonlyArray<string>> => {
  const all: Array<string> = []
  let page: Paged = await list({ limit })
  while (true) {
    expect(page.items.length).toBeLessThanOrEqual(limit)
    all.push(...page.items)
    if (page.cursor === undefined) return all
    page = await list({ limit, cursor: page.cursor })
  }
}
