/** `patchmoi log compact` and `log verify` on a record in SQLite, as a user has them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { beforeTime } from "../../src/cli/log/beforeTime.ts"
import { call, errorOf, eventText, flowFiles, makeFolder, says } from "./support.ts"

let folder: Awaited<ReturnType<typeof makeFolder>>

const calling = (...argv: ReadonlyArray<string>) => call(argv, { cwd: folder.path })
const json = async (...argv: ReadonlyArray<string>) => {
  const called = await calling(...argv, "--json")
  return called.stdout === "" ? errorOf(called) : JSON.parse(called.stdout)
}

beforeAll(async () => {
  folder = await makeFolder({
    ...flowFiles("alpha", [
      { name: "good", type: "release", script: says({ status: "completed", message: "done" }) }
    ]),
    "e1.json": eventText("e1", "release", { tag: "v1" })
  })
  for (const store of ["file", "sqlite"]) {
    await calling("flow", "fire", "--event", "e1.json", "--data-dir", store, "--store", store)
  }
})
afterAll(() => folder[Symbol.asyncDispose]())

describe("log compact", () => {
  test("what ended is gone, the event stays a duplicate, a replay is refused, the record is whole", async () => {
    expect(await json("log", "verify", "--data-dir", "sqlite")).toMatchObject({ flaws: [] })
    const early = await json("log", "compact", "--before", "2020-01-01", "--data-dir", "sqlite")
    expect(early).toMatchObject({ events: 0, runs: 0, facts: 0 })
    const text = await calling("log", "compact", "--before", "0s", "--data-dir", "sqlite")
    expect(text.stdout).toContain("events\t1\nruns\t1\n")
    expect((await json("run", "list", "--data-dir", "sqlite")).runs).toEqual([])
    expect((await json("event", "list", "--data-dir", "sqlite")).events).toEqual([])
    const again = await json("flow", "fire", "--event", "e1.json", "--data-dir", "sqlite")
    expect(again).toMatchObject({ status: "duplicate", idempotent: true })
    const replayed = await json("event", "replay", "e1", "--data-dir", "sqlite")
    expect(replayed).toMatchObject({ code: "EventForgotten", eventId: "e1" })
    expect(await json("log", "verify", "--data-dir", "sqlite")).toMatchObject({ flaws: [], documents: 1 })
  })

  test("a record of JSON lines says where to go", async () => {
    const refused = await json("log", "compact", "--before", "1d", "--data-dir", "file")
    expect(refused).toMatchObject({ code: "CompactionUnsupported", kind: "file" })
    expect(refused.message).toContain("patchmoi log import")
  })

  test("the time is a day, an instant or how long ago, and not to come", () => {
    const now = Date.parse("2026-06-15T12:00:00Z")
    expect(beforeTime("2026-06-01", now)).toBe(Date.parse("2026-06-01T00:00:00Z"))
    expect(beforeTime("2026-06-01T10:00:00+02:00", now)).toBe(Date.parse("2026-06-01T08:00:00Z"))
    expect(beforeTime("90d", now)).toBe(now - 90 * 86_400_000)
    expect(beforeTime("0s", now)).toBe(now)
    for (const wrong of [
      "",
      "yesterday",
      "90",
      "1y",
      "2026-13-01",
      "2026-02-31",
      "2026-04-31T10:00:00Z",
      "2026-06-01T10:00:00",
      "-1d",
      "2026-07-01"
    ]) {
      expect(() => beforeTime(wrong, now)).toThrow("--before")
    }
  })
})
