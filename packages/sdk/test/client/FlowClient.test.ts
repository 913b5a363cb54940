/** What a client on this machine does beyond the contract of clients: its steps, its folders, its store. */
import { describe, expect, test } from "bun:test"
import { mkdir, rename, symlink } from "node:fs/promises"
import { join } from "node:path"
import { FlowClient } from "../../src/index.ts"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { flowFiles, makeEchoWorkspace, rememberingStates, stateOf } from "./support.ts"

describe.each(rememberingStates)("a client with state %s", (kind) => {
  const open = async (files: Readonly<Record<string, string>> = {}) => {
    const workspace = await makeEchoWorkspace(files)
    const client = await FlowClient.open({
      mode: "local",
      cwd: workspace.root,
      state: stateOf(kind, workspace)
    })
    return {
      workspace,
      client,
      [Symbol.asyncDispose]: async () => {
        await client.close()
        await workspace[Symbol.asyncDispose]()
      }
    }
  }

  test("does not wait with wait: false, and the run ends all the same", async () => {
    await using opened = await open()
    const { runs } = await opened.client.dispatchEvent(echoEvent("1"), { wait: false })
    // With a free slot the run begins in the commit that accepts its event.
    expect(runs).toMatchObject([
      { backend: kind, processStatus: "running", attempts: [{ status: "running" }] }
    ])
    for await (const change of opened.client.watch()) if (change.type === "RunEnded") break
    expect(await opened.client.getRun(runs[0]?.id ?? "")).toMatchObject({ processStatus: "completed" })
  })

  test("executes one id once, however many dispatch it at the same time", async () => {
    await using opened = await open({
      ...flowFiles(
        "count",
        "demo.count",
        `import { appendFileSync } from "node:fs"
         appendFileSync(process.env.COUNT_FILE ?? "", "x")
         console.log('FLOW_RESULT {"status":"completed"}')`
      )
    })
    const file = join(opened.workspace.root, "count")
    await using client = await FlowClient.open({
      mode: "local",
      cwd: opened.workspace.root,
      env: { ...process.env, COUNT_FILE: file },
      state: kind === "memory" ? "memory" : { kind: "file" }
    })
    const results = await Promise.all(
      Array.from({ length: 12 }, () => client.dispatchEvent({ id: "1", type: "demo.count" }))
    )
    expect(results.filter(({ status }) => status === "accepted")).toHaveLength(1)
    expect(new Set(results.flatMap(({ runIds }) => runIds)).size).toBe(1)
    expect(results.every(({ runs }) => runs[0]?.processStatus === "completed")).toBe(true)
    expect(await Bun.file(file).text()).toBe("x")
  })

  test("keeps a result that was printed before a bad exit", async () => {
    await using opened = await open(
      flowFiles(
        "late",
        "demo.late",
        `console.log('FLOW_RESULT {"status":"changed","message":"done"}'); process.exit(1)`
      )
    )
    const { runs } = await opened.client.dispatchEvent({ id: "1", type: "demo.late" })
    expect(runs[0]).toMatchObject({
      processStatus: "failed",
      effectiveStatus: "failed",
      resultStatus: "changed",
      resultPayload: { status: "changed", message: "done" },
      exit: { _tag: "ExitCode", code: 1 },
      needsAttention: true
    })
    expect(runs[0]?.error).toBeDefined()
  })

  test("dispatches what a result asks for next, through real steps", async () => {
    await using opened = await open()
    const third = { type: "demo.echo", payload: { status: "completed" } }
    const second = { type: "demo.echo", id: "second", payload: { status: "changed", next: [third] } }
    await opened.client.dispatchEvent(echoEvent("first", { status: "changed", next: [second] }))
    const ends: Array<string> = []
    for await (const change of opened.client.watch()) {
      if (change.type === "RunEnded") ends.push(change.id)
      if (ends.length === 3) break
    }
    const { events } = await opened.client.listEvents()
    expect(events.map(({ depth }) => depth)).toEqual([2, 1, 0])
    expect(events[1]).toMatchObject({ id: "second", causedBy: { eventId: "first" } })
    expect(events[0]?.causedBy?.eventId).toBe("second")
  })

  test("finds a flow behind a symbolic link", async () => {
    await using opened = await open()
    await mkdir(join(opened.workspace.root, "elsewhere"))
    await rename(join(opened.workspace.root, "flows/echo"), join(opened.workspace.root, "elsewhere/echo"))
    await symlink(join(opened.workspace.root, "elsewhere/echo"), join(opened.workspace.root, "flows/linked"))
    expect((await opened.client.dispatchEvent(echoEvent("1"))).runs[0]?.status).toBe("completed")
  })

  test("ends a step that takes longer than its timeout, and says so", async () => {
    await using opened = await open(
      flowFiles("slow", "demo.slow", "setInterval(() => {}, 1000)", "timeout_ms = 300")
    )
    const { runs } = await opened.client.dispatchEvent({ id: "1", type: "demo.slow" })
    expect(runs[0]).toMatchObject({
      processStatus: "failed",
      exit: { _tag: "Timeout", timeoutMillis: 300 },
      needsAttention: true
    })
  })
})
