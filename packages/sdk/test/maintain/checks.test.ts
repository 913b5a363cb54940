/** The fork's own checks decide what may be moved and pushed. */
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { eventually } from "../../src/testing/ClientContractPlace.ts"
import { isAlive } from "../client/support.ts"
import { lines, makeForkWorkspace, outputOf, resultOf } from "./forkWorkspace.ts"

describe("maintain-fork and checks", () => {
  test("a failing check: the candidate is there to look at, and is neither moved nor pushed", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUSH: "1" } })
    await ws.release("v2", { "c.txt": "c2\n" })
    const flag = join(ws.root, "green")
    await ws.configure({
      checks: ["true", `echo broken thing; test -e ${flag}`, "never run"],
      control_run: false,
      move_target: true
    })
    const main = ws.refAt(ws.fork, "refs/heads/main")
    const origin = ws.git(ws.origin, "for-each-ref")

    for (const id of ["first", "second"]) {
      const run = await ws.fireRelease("v2", id)
      const { artifacts, message, status } = resultOf(run)
      expect({ status, process: run.processStatus }).toEqual({ status: "failed", process: "completed" })
      for (const part of [flag, "exit code 1", "broken thing", "nothing was moved or pushed"]) {
        expect(message).toContain(part)
      }
      expect(outputOf(run)).toContain("failed with exit code 1")
      expect(artifacts).toMatchObject({
        checks: [{ outcome: "passed" }, { outcome: "failed", exitCode: 1, output: "broken thing\n" }],
        candidateRefs: [{ remote: "local", pushed: false }],
        pushes: []
      })
      expect(ws.refAt(ws.fork, "refs/heads/candidate/v2")).toBe(String(artifacts["candidate"]))
      expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(main)
      expect(ws.git(ws.origin, "for-each-ref")).toBe(origin)
    }

    // The same question: a failure is looked at anew, as its cause may lie outside the tree.
    await writeFile(flag, "")
    await ws.configure({ checks: ["true", `echo broken thing; test -e ${flag}`] })
    const { artifacts, status } = resultOf(await ws.fireRelease("v2", "third"))
    expect(status).toBe("changed")
    expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(String(artifacts["candidate"]))
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBe(String(artifacts["candidate"]))
    expect(ws.refAt(ws.origin, "refs/heads/main")).toBe(String(artifacts["candidate"]))
    // What main was is in the new commit's history, so that nothing had to be kept.
    expect(artifacts["backup"]).toBeUndefined()
  })

  test("a check that is over its time is ended and told", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ checks: ["echo waiting; exec sleep 60"], check_timeout_ms: 300, control_run: false })
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({
      status: "failed",
      message: expect.stringContaining("over its time"),
      artifacts: { checks: [{ outcome: "timeout", exitCode: null, output: "waiting\n" }] }
    })
  })

  test("what bare upstream fails as well holds the candidate back and is blamed on no patch", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUSH: "1" } })
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ checks: ["true", "grep -q c1 c.txt", "true"], move_target: true })
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("blocked")
    expect(message).toContain("bare upstream fails it as well")
    expect(message).toContain("nothing was moved or pushed")
    expect(artifacts).toMatchObject({
      checks: [
        { verdict: "passed", upstream: "passed" },
        { verdict: "failed-upstream-too", upstream: "failed", blame: null },
        { verdict: "passed", upstream: "passed" }
      ],
      pushes: []
    })
  })

  test("names the first patch of the stack that makes a check fail", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ checks: ["grep -qx 'line 3' b.txt"] })
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("failed")
    expect(message).toContain("patch/two is the first patch that makes it fail")
    expect(artifacts).toMatchObject({
      checks: [{ verdict: "failed", upstream: "passed", blame: { _tag: "BadPatch", patch: "patch/two" } }]
    })

    await ws.configure({ checks: [], tree_checks: ["git cat-file -e $PATCHMOI_TREE", "false"] })
    expect(resultOf(await ws.fireRelease("v2", "reading"))).toMatchObject({
      status: "blocked",
      artifacts: { checks: [{ outcome: "passed" }, { outcome: "failed", upstream: "failed" }] }
    })
  })

  test("the checks of patches run on the operator's word alone", async () => {
    await using ws = await makeForkWorkspace()
    ws.git(ws.fork, "checkout", "--quiet", "patch/one")
    ws.git(
      ws.fork,
      "commit",
      "--quiet",
      "--amend",
      "--message",
      "one\n\nPatchmoi-Check: echo of the patch; false"
    )
    ws.git(ws.fork, "checkout", "--quiet", "desk")
    await ws.release("v2", { "c.txt": "c2\n" })
    expect(resultOf(await ws.fireRelease("v2", "silent")).status).toBe("changed")
    await ws.configure({ repository_checks: true, control_run: false })
    const { artifacts, status } = resultOf(await ws.fireRelease("v2", "asked"))
    expect(status).toBe("failed")
    expect(artifacts).toMatchObject({ checks: [{ command: "echo of the patch; false", outcome: "failed" }] })
  })

  test("a cancel ends the check and removes the temporary work tree", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    const place = join(ws.root, "place")
    await ws.configure({ checks: [`echo "$$ $(pwd)." > ${place}; exec sleep 60`] })
    const event = {
      id: "e",
      type: "upstream.release",
      payload: { repo: "acme/tool", tag: "v2", repository: "fork" }
    }
    const { runIds } = await ws.client.dispatchEvent(event, { wait: false })
    const [, pid = "", tree = ""] = await eventually(
      "the check runs",
      async () => existsSync(place) && (/^(\d+) (.+)\.$/m.exec(await readFile(place, "utf8")) ?? false)
    )
    const { run } = await ws.client.cancelRun(runIds[0] ?? "")
    expect(run.processStatus).toBe("canceled")
    await eventually(
      "the check and its work tree are gone",
      async () => !(await isAlive(Number(pid))) && !existsSync(tree)
    )
    expect(ws.git(ws.fork, "worktree", "list", "--porcelain").match(/^worktree /gm)).toHaveLength(1)
    expect(ws.refAt(ws.fork, "refs/heads/candidate/v2")).toBeNull()
  })

  test("two events at once for one fork run one after the other, over both steps", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.release("v3", { "c.txt": "c3\n" })
    const log = join(ws.root, "log")
    await ws.configure({
      checks: [`echo begin >> ${log}; sleep 0.2; echo end >> ${log}`],
      control_run: false
    })
    const runs = await Promise.all([
      ws.fireRelease("v2"),
      ws.fireRelease("v3"),
      ws.fire("update", { ref: "main" }, "upstream.branch_update")
    ])
    expect(runs.map((run) => resultOf(run).status)).toEqual(["changed", "changed", "changed"])
    // The branch is at v3, so that its candidate has the tree of the release's: two trees, two runs of the check.
    expect(await readFile(log, "utf8")).toBe("begin\nend\n".repeat(2))
    const spans = runs
      .map(({ completedAt = "", startedAt = "" }) => ({ startedAt, completedAt }))
      .sort((left, right) => (left.startedAt < right.startedAt ? -1 : 1))
    for (const [at, { startedAt }] of spans.entries()) {
      expect(startedAt >= (spans[at - 1]?.completedAt ?? "")).toBe(true)
    }
  })
})

describe("maintain-fork and the maintained branch", () => {
  test("moves it with the candidate, and keeps commits that only it had", async () => {
    await using ws = await makeForkWorkspace()
    ws.git(ws.fork, "switch", "--quiet", "main")
    const own = await ws.commit(ws.fork, "only on main", { "d.txt": "d\n" })
    ws.git(ws.fork, "switch", "--quiet", "desk")
    await ws.release("v2", { "a.txt": lines({ 25: "v2" }) })
    await ws.configure({ move_target: true })
    const { artifacts, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("changed")
    expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(String(artifacts["candidate"]))
    expect(artifacts).toMatchObject({ target: { name: "main", before: own, outcome: "moved" } })
    expect(ws.refAt(ws.fork, String(artifacts["backup"]))).toBe(own)
    expect(resultOf(await ws.fireRelease("v2", "again")).status).toBe("completed")
  })

  test("does not move it under a checkout: the candidate is written, and the result says where", async () => {
    await using ws = await makeForkWorkspace()
    ws.git(ws.fork, "switch", "--quiet", "main")
    const main = ws.refAt(ws.fork, "refs/heads/main")
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ move_target: true })
    const { message, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("blocked")
    expect(message).toContain(`refs/heads/main is checked out in ${ws.fork}`)
    expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(main)
    expect(ws.refAt(ws.fork, "refs/heads/candidate/v2")).not.toBeNull()
    expect(ws.git(ws.fork, "status", "--porcelain")).toBe("")
  })
})

/** Waits for a condition, 20 seconds at most. */
