/**
 * Goal: a client that is killed while a step runs loses nothing and leaves nothing running. Method: a child process is
 * stopped by SIGKILL while a step of it runs, and the folder is opened again.
 */
import { expect, test } from "bun:test"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { createFlowClient } from "../../src/index.ts"
import { echoEvent, eventually } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles, isAlive, makeEchoWorkspace, readPid } from "./support.ts"

/** The first time it writes who it is and who its child is, and never ends; afterwards it completes. */
const script = `
import { appendFileSync, existsSync } from "node:fs"
appendFileSync(process.env.STEP_FOLDER + "/starts", "x")
if (!existsSync(process.env.STEP_FOLDER + "/again")) {
  const child = Bun.spawn(["sleep", "1000"])
  await Bun.write(process.env.STEP_FOLDER + "/child", String(child.pid))
  await Bun.write(process.env.STEP_FOLDER + "/pid", String(process.pid))
  await child.exited
}
console.log('FLOW_RESULT {"status":"changed"}')
`

test("a killed client: its step and the step's child are ended, the attempt is lost, the run executes again", async () => {
  await using workspace = await makeEchoWorkspace(flowFiles("endless", "demo.endless", script))
  const file = (name: string) => join(workspace.root, name)
  const env = { ...process.env, STEP_FOLDER: workspace.root }
  const crashing = Bun.spawn([process.execPath, join(import.meta.dir, "crashChild.ts"), workspace.root], {
    env,
    stdout: "pipe",
    stderr: "pipe"
  })
  const stepPid = await eventually("the step runs", () => readPid(file("pid")))
  const grandchildPid = await eventually("its child runs", () => readPid(file("child")))
  await eventually("the process is recorded", async () =>
    (await Bun.file(file(".codex/flow-client/log/00000000000000000001.jsonl")).text()).includes(
      "AttemptSpawned"
    )
  )
  crashing.kill("SIGKILL")
  await crashing.exited
  expect(await isAlive(stepPid)).toBe(true)
  await Bun.write(file("again"), "")

  await using client = createFlowClient({ mode: "local", cwd: workspace.root, state: { kind: "file" }, env })
  const [found] = (await client.listRuns()).runs
  expect(await isAlive(stepPid)).toBe(false)
  expect(await isAlive(grandchildPid)).toBe(false)
  // Sent again after the crash, as whoever sent it had no answer: it is known, and waiting waits for its run.
  const again = await client.dispatchEvent({ id: "1", type: "demo.endless" })
  expect(again).toMatchObject({ status: "duplicate", runIds: [found?.id] })
  const [run] = again.runs
  expect(run).toMatchObject({ processStatus: "completed", status: "changed", attemptCount: 2, generation: 0 })
  expect(run?.attempts.map(({ status }) => status)).toEqual(["lost", "completed"])
  expect(run?.attempts[0]).toMatchObject({ exit: { _tag: "Lost" }, error: expect.stringContaining("lost") })
  expect(await Bun.file(file("starts")).text()).toBe("xx")
  await rm(file("again"))
})

test("a client prints nothing, whatever it finds when it opens", async () => {
  await using workspace = await makeEchoWorkspace()
  const program = `
    import { FlowClient } from ${JSON.stringify(join(import.meta.dir, "../../src/index.ts"))}
    await using client = await FlowClient.open({ mode: "local", state: { kind: "file" } })
    await client.dispatchEvent(${JSON.stringify(echoEvent("1"))})
    await client.listEvents()`
  const run = async () => {
    const child = Bun.spawn([process.execPath, "-e", program], {
      cwd: workspace.root,
      stdout: "pipe",
      stderr: "pipe"
    })
    const said = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
    return [...said, await child.exited]
  }
  expect(await run()).toEqual(["", "", 0])
  const log = join(workspace.root, ".codex/flow-client/log/00000000000000000001.jsonl")
  await Bun.write(log, `${await Bun.file(log).text()}{"torn`)
  expect(await run()).toEqual(["", "", 0])
})
