/** Publishing: in one atomic push, by the operator's leave, and where asked for by somebody's approval of this very plan. */
import { describe, expect, test } from "bun:test"
import type { RunView } from "@patchmoi/sdk"
import { type ForkWorkspace, makeForkWorkspace, resultOf } from "./forkWorkspace.ts"

describe("maintain-fork and publishing", () => {
  test("publishes branch, release tag and note at once, and nothing the second time", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ publish: true, publish_tag: "<tag>-acme", publish_package: "tool" })
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("changed")
    expect(await ws.client.getEvent("patch:downstream.release:tool:2-acme")).toMatchObject({
      type: "downstream.release",
      payload: { packageName: "tool", version: "2-acme", tag: "v2-acme" }
    })
    expect(message).toContain("v2-acme")
    const candidate = String(artifacts["candidate"])
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBe(candidate)
    expect(ws.git(ws.origin, "rev-parse", "v2-acme^{commit}")).toBe(candidate)
    expect(ws.git(ws.origin, "notes", "--ref=patchmoi", "show", candidate)).toContain("release-v2")
    expect(artifacts).toMatchObject({
      releases: [{ remote: "origin", outcome: "published", tag: "v2-acme" }]
    })

    const refs = ws.git(ws.origin, "for-each-ref")
    expect(resultOf(await ws.replay("release-v2")).status).toBe("completed")
    expect(ws.git(ws.origin, "for-each-ref")).toBe(refs)
  })

  test("the gate is the operator's: without it nothing is published", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUBLISH: "0" } })
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ publish: true, publish_tag: "<tag>-acme" })
    const refs = ws.git(ws.origin, "for-each-ref")
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({ status: "changed" })
    expect(ws.git(ws.origin, "for-each-ref")).toBe(refs)
  })

  test("a name of upstream's is refused, and nothing else moves with it", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ publish: true, publish_tag: "<tag>" })
    const refs = ws.git(ws.origin, "for-each-ref")
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("blocked")
    expect(message).toContain("has a tag of that name")
    expect(artifacts).toMatchObject({ releases: [{ outcome: "refused", plan: null }] })
    expect(ws.git(ws.origin, "for-each-ref")).toBe(refs)
  })

  test("what fails its checks, or lacks a patch, is not published", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ publish: true, checks: ["false"], control_run: false })
    const refs = ws.git(ws.origin, "for-each-ref")
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({ status: "failed" })
    expect(ws.git(ws.origin, "for-each-ref")).toBe(refs)
  })

  test("waits for an approval of the plan, and asks again when the remote has moved since", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ publish: true, publish_approval: true })
    const waiting = await ws.fireRelease("v2")
    expect(choiceOf(waiting)).toMatch(/^publish [0-9a-f]{12}$/)
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()

    // Somebody else was here meanwhile: another plan, another question.
    ws.git(ws.fork, "push", "--quiet", "origin", "upstream/main:refs/heads/candidate/v2")
    const asked = choiceOf(waiting)
    const again = await approve(ws, waiting.id, { choice: asked, by: "ada" })
    expect(choiceOf(again)).not.toBe(asked)
    ws.git(ws.origin, "update-ref", "-d", "refs/heads/candidate/v2")
    const third = await approve(ws, waiting.id, { choice: choiceOf(again), by: "ada" })
    expect(choiceOf(third)).toBe(asked)
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()

    const { artifacts, status } = resultOf(await approve(ws, waiting.id, { choice: asked, by: "ada" }))
    expect(status).toBe("changed")
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBe(String(artifacts["candidate"]))
  })

  test("a rejection is told, and nothing is published", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ publish: true, publish_approval: true })
    const { id } = await ws.fireRelease("v2")
    await ws.client.rejectRun(id, { by: "ada", comment: "it is Friday" })
    const { message, status } = resultOf(await ended(ws, id, 2))
    expect(status).toBe("blocked")
    expect(message).toContain("it is Friday")
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()
  })
})

/** Approves, and gives the run when the attempt that follows has ended. */
const approve = async (ws: ForkWorkspace, id: string, options: { choice: string; by: string }) => {
  const { attempts } = await ws.client.getRun(id)
  await ws.client.approveRun(id, options)
  return ended(ws, id, attempts.length + 1)
}

/** The run, once its attempt of this number has ended; 60 seconds at most. */
const ended = async (ws: ForkWorkspace, id: string, attempts: number): Promise<RunView> => {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    const run = await ws.client.getRun(id)
    if (run.attempts.length >= attempts && run.processStatus === "completed") return run
    await Bun.sleep(20)
  }
  throw new Error(`attempt ${attempts} of ${id} did not end in time`)
}

const choiceOf = ({ waitingOn }: RunView): string =>
  waitingOn?._tag === "Approval" ? (waitingOn.choices?.[0] ?? "") : ""
