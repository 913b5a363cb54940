/** A release travels through the packaged flow, run as a subprocess by the local client. */
import { describe, expect, test } from "bun:test"
import { readFile, rm, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { deskOf, lines, makeForkWorkspace, outputOf, resultOf } from "./forkWorkspace.ts"

describe("maintain-fork on a release", () => {
  test("carries the patches over, runs the checks, records the candidate, and touches nothing else", async () => {
    await using ws = await makeForkWorkspace()
    const released = await ws.release("v2", { "a.txt": lines({ 25: "v2" }), "b.txt": lines({ 25: "v2" }) })
    await ws.configure({ checks: ["grep -q one a.txt && grep -q v2 a.txt", `pwd >> ${ws.root}/checked`] })
    // A desk in use: one change staged, one not, one file that git does not know.
    await writeFile(join(ws.fork, "a.txt"), "staged\n")
    ws.git(ws.fork, "add", "a.txt")
    await writeFile(join(ws.fork, "c.txt"), "not staged\n")
    await writeFile(join(ws.fork, "notes.txt"), "unknown\n")
    const before = { desk: deskOf(ws.fork), main: ws.refAt(ws.fork, "refs/heads/main") }

    const run = await ws.fireRelease("v2")
    const { artifacts, message, status } = resultOf(run)

    expect({ status, message }).toEqual({
      status: "changed",
      message: expect.stringContaining("candidate/v2")
    })
    const candidate = ws.refAt(ws.fork, "refs/heads/candidate/v2")
    expect(artifacts).toMatchObject({
      upstream: { tag: "v2", commit: released },
      base: released,
      candidate,
      candidateRefs: [
        {
          kind: "branch",
          repo: "fork",
          remote: "local",
          ref: "refs/heads/candidate/v2",
          sha: candidate,
          pushed: false
        }
      ],
      dropped: [],
      checks: [
        { outcome: "passed", exitCode: 0 },
        { outcome: "passed", exitCode: 0 }
      ],
      pushes: []
    })
    const [one, two] = ["patch/one", "patch/two"].map((name) => ws.git(ws.fork, "rev-parse", name))
    expect(artifacts["applied"]).toMatchObject([
      {
        patch: "patch/one",
        tip: one,
        commitCount: 1,
        emptyCount: 0,
        commits: [{ from: one, to: expect.any(String), subject: "one" }]
      },
      {
        patch: "patch/two",
        tip: two,
        commitCount: 2,
        emptyCount: 0,
        commits: [
          { from: expect.any(String), to: expect.any(String), subject: "two" },
          { from: two, to: candidate, subject: "two, a file" }
        ]
      }
    ])
    expect(ws.git(ws.fork, "show", "candidate/v2:a.txt")).toBe(lines({ 3: "one", 25: "v2" }).trim())
    expect(ws.git(ws.fork, "show", "candidate/v2:new/two.txt")).toBe("two")
    expect(ws.git(ws.fork, "rev-list", "--count", `${released}..candidate/v2`)).toBe("3")
    expect({ desk: deskOf(ws.fork), main: ws.refAt(ws.fork, "refs/heads/main") }).toEqual(before)
    expect(ws.git(ws.fork, "worktree", "list", "--porcelain").match(/^worktree /gm)).toHaveLength(1)
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()
    const told = outputOf(run)
      .split("\n")
      .filter((line) => line.startsWith("maintain-fork: "))
    for (const stage of [
      "fork",
      "fetching upstream",
      "upstream acme/tool has v2",
      "rebuilding",
      "checks: 2",
      "candidate"
    ]) {
      expect(told.join("\n")).toContain(`maintain-fork: ${stage}`)
    }

    const again = resultOf(await ws.fireRelease("v2", "the same release, by another id"))
    expect(again).toMatchObject({
      status: "completed",
      message: expect.stringContaining("was there already")
    })
    expect(again.artifacts).toMatchObject({ candidate, checksPassedBefore: true })
    // Once on bare upstream and once on the candidate, and not again.
    expect((await readFile(join(ws.root, "checked"), "utf8")).trim().split("\n")).toHaveLength(2)
  })

  test("a tag with slashes has a candidate of the same name", async () => {
    await using ws = await makeForkWorkspace({ flowsFolder: "flows" })
    const released = await ws.release("release/2026/v2.0", { "c.txt": "c2\n" })
    const { artifacts, status } = resultOf(await ws.fireRelease("release/2026/v2.0"))
    expect(status).toBe("changed")
    expect(artifacts).toMatchObject({ upstream: { tag: "release/2026/v2.0", commit: released } })
    expect(ws.git(ws.fork, "log", "-1", "--format=%s", "candidate/release/2026/v2.0")).toBe("two, a file")
  })

  test("works where the workspace has a link to the flow instead of a copy", async () => {
    await using ws = await makeForkWorkspace()
    const installed = join(ws.workspace, ".codex", "flows", "maintain-fork")
    await rm(installed, { recursive: true })
    await symlink(join(import.meta.dir, "..", "..", "..", "..", "flows", "maintain-fork"), installed)
    await ws.release("v2", { "c.txt": "c2\n" })
    expect(resultOf(await ws.fireRelease("v2")).status).toBe("changed")
  })

  test("a manifest that is merged by its values is named in the message", async () => {
    await using ws = await makeForkWorkspace()
    const manifest = (name: string, version: string) =>
      `{\n  "name": "${name}",\n  "version": "${version}"\n}\n`
    await ws.commit(ws.upstream, "a manifest", { "package.json": manifest("tool", "1.0.0") })
    ws.git(ws.fork, "fetch", "--quiet", "upstream")
    ws.git(ws.fork, "switch", "--quiet", "-c", "patch/name", "upstream/main")
    await ws.commit(ws.fork, "rename", { "package.json": manifest("our-tool", "1.0.0") })
    ws.git(ws.fork, "switch", "--quiet", "desk")
    await ws.release("v2", { "package.json": manifest("tool", "2.0.0") })
    const { message, status } = resultOf(await ws.fireRelease("v2"))
    expect({ status, message }).toEqual({
      status: "changed",
      message: expect.stringContaining("package.json merged by value")
    })
    expect(ws.git(ws.fork, "show", "candidate/v2:package.json")).toBe(manifest("our-tool", "2.0.0").trim())
  })

  test("a patch that upstream has is left out, with the evidence", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "a.txt": lines({ 3: "one" }) })
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect({ status, message }).toEqual({
      status: "changed",
      message: expect.stringContaining("patch/one: landed-identical")
    })
    expect(artifacts["dropped"]).toMatchObject([
      {
        patch: "patch/one",
        reason: "landed-identical",
        evidence: expect.stringMatching(/[0-9a-f]{40}/)
      }
    ])
  })

  test("a tag that upstream moved blocks once, and is built on by a replay", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    expect(resultOf(await ws.fireRelease("v2")).status).toBe("changed")
    const moved = await ws.commit(ws.upstream, "again", { "c.txt": "c3\n" })
    ws.git(ws.upstream, "tag", "-f", "v2")
    const before = ws.forkRefs()
    const alarm = resultOf(await ws.replay("release-v2"))
    expect(alarm).toMatchObject({ status: "blocked", message: expect.stringContaining("moved the tag v2") })
    expect(ws.forkRefs()).toBe(before)
    expect(resultOf(await ws.replay("release-v2"))).toMatchObject({
      status: "changed",
      artifacts: { upstream: { commit: moved } }
    })
  })

  test("commit off: says what would be, and writes no branch", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_COMMIT: "0" } })
    await ws.release("v2", { "c.txt": "c2\n" })
    const before = ws.forkRefs()
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    expect({ status, message }).toEqual({
      status: "completed",
      message: expect.stringContaining("commit is off")
    })
    expect(artifacts).toMatchObject({ candidateRefs: [], candidate: expect.stringMatching(/^[0-9a-f]{40}$/) })
    expect(ws.forkRefs()).toBe(before)
  })
})

describe("maintain-fork on a branch update", () => {
  const type = "upstream.branch_update"

  test("builds on the newest commit of the branch, which must have the event's commit", async () => {
    await using ws = await makeForkWorkspace()
    const older = await ws.commit(ws.upstream, "older", { "c.txt": "c2\n" })
    const newest = await ws.commit(ws.upstream, "newest", { "c.txt": "c3\n" })
    const run = await ws.fire("update", { ref: "refs/heads/main", sha: older }, type)
    expect(run.stepName).toBe("branch-update")
    expect(resultOf(run)).toMatchObject({
      status: "changed",
      artifacts: { upstream: { branch: "main", commit: newest } }
    })
    expect(ws.git(ws.fork, "merge-base", "candidate/main", newest)).toBe(newest)
    const again = resultOf(await ws.fire("update again", { ref: "main", sha: newest }, type))
    expect(again.status).toBe("completed")
  })

  test("a commit of another branch, an unknown one and an unknown branch are refused", async () => {
    await using ws = await makeForkWorkspace()
    ws.git(ws.upstream, "switch", "--quiet", "-c", "side")
    const side = await ws.commit(ws.upstream, "side", { "c.txt": "side\n" })
    const before = ws.forkRefs()
    for (const [payload, words] of [
      [{ ref: "main", sha: side }, "is not on upstream's branch main"],
      [{ ref: "main", sha: `${"0".repeat(39)}1` }, "is not on upstream's branch main"],
      [{ ref: "main", sha: "--help" }, "not a usable object id"],
      [{ ref: "gone" }, "has no branch gone"]
    ] as const) {
      const found = resultOf(await ws.fire(JSON.stringify(payload), payload, type))
      expect(found).toMatchObject({ status: "blocked", message: expect.stringContaining(words) })
    }
    expect(ws.forkRefs()).toBe(before)
  })
})
