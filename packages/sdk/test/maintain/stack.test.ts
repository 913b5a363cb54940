/** What of the stack is carried over, what is left out with evidence, and what the candidate tells of itself. */
import { describe, expect, test } from "bun:test"
import { GitCli, Repository, VerifyCandidate } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import { lines, makeForkWorkspace, resultOf } from "./forkWorkspace.ts"

describe("maintain-fork and the stack", () => {
  test("a patch that upstream took is left out by its patch id, also where upstream went on", async () => {
    await using ws = await makeForkWorkspace()
    const taken = await ws.release("v2-rc", { "a.txt": lines({ 3: "one" }) })
    await ws.release("v2", { "a.txt": lines({ 3: "one, and more" }) })
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("changed")
    expect(message).toContain("patch/one: landed-identical")
    expect(artifacts).toMatchObject({
      applied: [{ patch: "patch/two" }],
      dropped: [{ patch: "patch/one", reason: "landed-identical", evidence: expect.stringContaining(taken) }],
      verdicts: {
        ontoName: "v2",
        verdicts: [
          {
            patch: "patch/one",
            verdict: "landed-identical",
            evidence: [{ kind: "patch-id", upstream: taken }]
          }
        ]
      }
    })

    // Where nobody looks, the same patch is a conflict.
    await ws.configure({ leave_out_landed: false })
    const blind = resultOf(await ws.fireRelease("v2", "blind"))
    expect(blind.status).toBe("needs_intervention")
    expect(ws.git(ws.fork, "show", `${String(blind.artifacts["conflictRef"])}:conflict.json`)).toContain(
      "patch/one"
    )
  })

  test("keep_going carries the others over, and neither moves nor pushes what lacks a patch", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUSH: "1" } })
    await ws.release("v2", { "a.txt": lines({ 3: "v2" }) })
    await ws.configure({ keep_going: true, move_target: true })
    const main = ws.refAt(ws.fork, "refs/heads/main")
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("needs_intervention")
    expect(message).toContain("not carried over: patch/one (conflicts in a.txt)")
    expect(artifacts).toMatchObject({
      applied: [{ patch: "patch/two" }],
      skipped: [{ patch: "patch/one", reason: "conflict", conflict: { files: [{ path: "a.txt" }] } }],
      pushes: []
    })
    expect(ws.refAt(ws.fork, "refs/heads/candidate/v2")).toBe(String(artifacts["candidate"]))
    expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(main)
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()
  })

  test("a patch whose contract names an end that has come is left out", async () => {
    await using ws = await makeForkWorkspace()
    ws.git(ws.fork, "checkout", "--quiet", "patch/one")
    ws.git(ws.fork, "commit", "--quiet", "--amend", "--message", "one\n\nPatchmoi-Drop-When: contains:c.txt")
    ws.git(ws.fork, "checkout", "--quiet", "desk")
    await ws.release("v2", { "c.txt": "c2\n" })
    expect(resultOf(await ws.fireRelease("v2")).artifacts).toMatchObject({
      dropped: [{ patch: "patch/one", reason: "obsolete", evidence: expect.stringContaining("c.txt") }],
      verdicts: { verdicts: [{ patch: "patch/one", verdict: "obsolete", evidence: [{ kind: "drop-when" }] }] }
    })
  })

  test("a branch can be forecast in place of built: a clean patch that turns bad asks, once", async () => {
    await using ws = await makeForkWorkspace()
    await ws.configure({ forecast_branches: true })
    const look = async (id: string) => resultOf(await ws.fire(id, { ref: "main" }, "upstream.branch_update"))
    await ws.release("v2", { "c.txt": "c2\n" })
    const before = ws.forkRefs()
    const clean = await look("first")
    expect(clean).toMatchObject({
      status: "completed",
      message: "forecast on main: 2 clean, 0 conflicts, 0 landed",
      artifacts: { candidateRefs: [], turnedBad: [], forecast: { ontoName: "main" } }
    })
    expect(ws.forkRefs()).toBe(before)

    await ws.release("v3", { "a.txt": lines({ 3: "v3" }) })
    const bad = await look("second")
    expect(bad.status).toBe("needs_intervention")
    expect(bad.message).toContain("turned bad since the last time: patch/one")
    expect(bad.artifacts).toMatchObject({
      forecast: {
        patches: [
          { patch: "patch/one", answer: "conflicts" },
          { patch: "patch/two", answer: "clean" }
        ]
      }
    })
    expect((await look("third")).status).toBe("completed")
    expect(ws.forkRefs()).toBe(before)
  })

  test("the candidate carries what it was made of, and can be built again from that", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await ws.configure({ checks: ["true"], trailers: true })
    const { artifacts, status } = resultOf(await ws.fireRelease("v2", "the-event"))
    expect(status).toBe("changed")
    const candidate = String(artifacts["candidate"])
    expect(ws.git(ws.fork, "log", "-1", "--format=%B", candidate)).toContain("Patchmoi-Event: the-event")
    const note: unknown = JSON.parse(ws.git(ws.fork, "notes", "--ref=patchmoi", "show", candidate))
    // The first fact of the record is that the event came in.
    expect(note).toMatchObject({ candidate, event: "the-event", position: 1, checks: { verdict: "passed" } })

    const verified = Effect.gen(function* () {
      const repository = yield* Repository.openRepository({ directory: ws.fork })
      return yield* VerifyCandidate.verifyCandidate({ repository, revision: "candidate/v2" })
    }).pipe(Effect.provide(GitCli.layerGitCli()))
    expect((await Effect.runPromise(verified))._tag).toBe("Verified")
  })
})
