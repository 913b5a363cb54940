/** Commands that run something in a record leave alone what a service queued in it and did not run. */
import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { storeKinds } from "../../src/record/storeKinds.ts"
import { leaveQueued, leaveRunning } from "./leftRecord.ts"
import { call, eventText, flowFiles, makeFolder } from "./support.ts"

/** A step that writes down, in a file, for which event it ran, and asks once. */
const notes = `
import { appendFileSync } from "node:fs"
const { flow: { event }, runtime } = JSON.parse(await Bun.stdin.text())
appendFileSync("ran.txt", event.id + "\\n")
const asks = event.id === "asks" && runtime.approval === undefined
console.log("FLOW_RESULT " + JSON.stringify(
  asks ? { status: "blocked", artifacts: { approval: { prompt: "Go on?" } } } : { status: "completed" }
))
`

for (const kind of storeKinds) {
  describe(`over a record in ${kind}`, () => {
    /** A record in which one run is queued and one was left running by a worker that is gone. */
    const makeLeft = async () => {
      const folder = await makeFolder({
        ...flowFiles("notes", [{ name: "notes", type: "t", script: notes }]),
        ...Object.fromEntries(
          ["fresh", "queued", "asks"].map((id) => [`${id}.json`, eventText(id, "t")] as const)
        )
      })
      const record = { workspace: folder.path, dataDir: join(folder.path, "data"), kind }
      const [[queued] = [], [running] = []] = await leaveQueued(
        record,
        ["queued", "running"].map((id) => ({ id, type: "t" }))
      )
      if (queued === undefined || running === undefined) throw new Error("two runs have to be queued")
      await leaveRunning(record, running)
      const calling = (...argv: ReadonlyArray<string>) =>
        call(argv, { cwd: folder.path, env: { DATA_DIR: "data" } })
      const statusOf = async (runId: string): Promise<string> =>
        JSON.parse((await calling("run", "show", runId, "--json")).stdout).processStatus
      return {
        calling,
        fire: (id: string) => calling("flow", "fire", "--event", `${id}.json`, "--store", kind),
        statuses: async () => [await statusOf(queued), await statusOf(running)],
        queued,
        ran: () => Bun.file(join(folder.path, "flows/notes/ran.txt")).text(),
        [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]()
      }
    }

    test("flow fire, event replay and run approve run their own and nothing that was left", async () => {
      await using left = await makeLeft()
      expect((await left.fire("fresh")).exitCode).toBe(0)
      expect((await left.calling("event", "replay", "fresh")).exitCode).toBe(0)
      const asked = await left.fire("asks")
      expect(asked.exitCode).toBe(10)
      const { runId } = JSON.parse(asked.stdout).results[0]
      expect((await left.calling("run", "approve", runId)).exitCode).toBe(0)
      expect(await left.ran()).toBe("fresh\nfresh\nasks\nasks\n")
      expect(await left.statuses()).toEqual(["queued", "running"])
    })

    test("a replay of the event whose run was left runs the new generation, and not the old one", async () => {
      await using left = await makeLeft()
      const replayed = await left.calling("event", "replay", "queued")
      expect(replayed.exitCode).toBe(0)
      expect(JSON.parse(replayed.stdout).results).toHaveLength(1)
      expect(await left.ran()).toBe("queued\n")
      expect(await left.statuses()).toEqual(["queued", "running"])
    })

    test("firing the very event whose run was left runs it: it is known, and nobody else is there to do it", async () => {
      await using left = await makeLeft()
      const fired = await left.fire("queued")
      expect(fired.exitCode).toBe(0)
      expect(JSON.parse(fired.stdout)).toMatchObject({
        status: "duplicate",
        results: [{ runId: left.queued, status: "completed" }]
      })
      expect(await left.ran()).toBe("queued\n")
      expect(await left.statuses()).toEqual(["completed", "running"])
    })
  })
}
