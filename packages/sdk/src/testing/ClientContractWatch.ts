/** Watching: every change once, in order, past ones and then live ones. */
import { expect, test } from "bun:test"
import type { Change } from "../client/views.ts"
import { echoEvent, type OpenClient, openPlace } from "./ClientContractPlace.ts"

/** Registers the tests of watching: every change comes once and in order, from any position, to as many as watch. */
export const watchContract = (open: OpenClient): void => {
  test("a watch gives past changes, then live ones, and goes on from a position", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(echoEvent("1"))
    const seen: Array<Change> = []
    for await (const change of client.watch()) {
      seen.push(change)
      if (change.type !== "RunEnded") continue
      if (seen.some(({ id }) => id === "2")) break
      // Dispatched while watching: what follows is live.
      await client.dispatchEvent(echoEvent("2"), { wait: false })
    }
    expect(seen.map(({ position }) => position)).toEqual(seen.map((_, index) => index + 1))
    expect(seen.filter(({ type }) => type === "EventAccepted").map(({ id }) => id)).toEqual(["1", "2"])
    expect(new Set(seen.map(({ subject }) => subject))).toEqual(new Set(["event", "run"]))
    expect(seen.every(({ at }) => Date.parse(at) > 0)).toBe(true)
    expect(seen[0]).toMatchObject({ position: 1, subject: "event", id: "1", type: "EventAccepted" })
    expect(seen[0]?.data).toMatchObject({ event: { id: "1", type: "demo.echo" } })
    expect(JSON.stringify(seen)).not.toContain("leaseToken")
    const rest: Array<Change> = []
    for await (const change of client.watch({ after: 3 })) {
      rest.push(change)
      if (change.position === seen.length) break
    }
    expect(rest).toEqual(seen.slice(3))
  })

  test("several watch at once and each sees everything", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const watchers = Array.from({ length: 3 }, async () => {
      const positions: Array<number> = []
      for await (const { position, type, id } of client.watch()) {
        positions.push(position)
        if (type === "EventAccepted" && id === "last") return positions
      }
      return positions
    })
    for (let index = 0; index < 5; index++) {
      await client.dispatchEvent({ id: String(index), type: "demo.nobody" })
    }
    await client.dispatchEvent({ id: "last", type: "demo.nobody" })
    for (const positions of await Promise.all(watchers)) expect(positions).toEqual([1, 2, 3, 4, 5, 6])
  })

  test("more changes than fit a page come once each", async () => {
    await using place = await openPlace(open)
    const { client } = place
    const count = 700
    const ids = Array.from({ length: count }, (_, index) => `e${index}`)
    await Promise.all(ids.map((id) => client.dispatchEvent({ id, type: "demo.nobody" }, { wait: false })))
    const seen: Array<Change> = []
    for await (const change of client.watch()) if (seen.push(change) === count) break
    expect(seen.map(({ position }) => position)).toEqual(ids.map((_, index) => index + 1))
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(ids))
  })

  test("leaving the loop ends the watch", async () => {
    await using place = await openPlace(open)
    const { client } = place
    await client.dispatchEvent(echoEvent("1"))
    const watching = client.watch()
    expect((await watching.next()).value).toMatchObject({ position: 1 })
    expect(await watching.return()).toEqual({ value: undefined, done: true })
    expect(await watching.next()).toEqual({ value: undefined, done: true })
    expect((await client.listEvents()).events).toHaveLength(1)
  })
}
