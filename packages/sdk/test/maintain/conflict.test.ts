/** A release that does not apply: the record, and the way out that the message names, walked as a person would. */
import { describe, expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Conflict } from "@patchmoi/git/patch/Conflict"
import { fitConflict } from "../../src/maintain/fitConflict.ts"
import { fitResult } from "../../src/maintain/Report.ts"
import { deskOf, type ForkWorkspace, isolated, lines, makeForkWorkspace, resultOf } from "./forkWorkspace.ts"

/** Runs the commands of the result, writes the resolution where the last one stopped, and ends the rebase. */
const resolve = async (ws: ForkWorkspace, commands: unknown, folder: string, path: string, text: string) => {
  const script = Array.isArray(commands) ? commands.join(" && ") : ""
  const env = { ...isolated, GIT_EDITOR: "true" }
  const ran = Bun.spawnSync(["sh", "-c", script], { env, cwd: ws.root })
  expect(`${ran.stdout}${ran.stderr}`).toContain(`CONFLICT (content): Merge conflict in ${path}`)
  const tree = join(ws.workspace, folder)
  await writeFile(join(tree, path), text)
  ws.git(tree, "add", path)
  const ended = Bun.spawnSync(["git", "rebase", "--continue"], { env, cwd: tree })
  expect({ code: ended.exitCode, said: `${ended.stderr}` }).toMatchObject({ code: 0 })
  ws.git(ws.fork, "worktree", "remove", tree)
}

describe("maintain-fork on a conflict", () => {
  test("reports everything, moves nothing, and succeeds when the patch is put right and the event replayed", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUSH: "1" } })
    const released = await ws.release("v2", { "b.txt": lines({ 3: "upstream's" }) })
    await ws.configure({ move_target: true })
    const before = { refs: ws.forkRefs(), desk: deskOf(ws.fork), origin: ws.git(ws.origin, "for-each-ref") }

    const run = await ws.fireRelease("v2")
    const { artifacts, message, status } = resultOf(run)

    expect(status).toBe("needs_intervention")
    expect(run.needsAttention).toBe(true)
    const [commit] = ws.git(ws.fork, "rev-list", "--reverse", "main..patch/two").split("\n")
    for (const part of ["patch/two", "v2", commit?.slice(0, 12), "b.txt (content)", "git rebase --onto"]) {
      expect(message).toContain(part ?? "")
    }
    const blob = (revision: string) => ({
      oid: ws.git(ws.fork, "rev-parse", `${revision}:b.txt`),
      mode: "100644"
    })
    expect(artifacts).toMatchObject({
      upstream: { tag: "v2", commit: released },
      applied: [{ patch: "patch/one" }],
      remaining: [],
      candidateRefs: [],
      conflict: {
        patch: "patch/two",
        commit,
        subject: "two",
        filesOmitted: 0,
        files: [
          {
            path: "b.txt",
            kind: "content",
            base: blob("main"),
            ours: blob(released),
            theirs: blob("patch/two"),
            markedText: expect.stringMatching(/<<<<<<<[\s\S]*upstream's[\s\S]*>>>>>>>/),
            truncated: false
          }
        ]
      }
    })
    expect({ refs: ws.forkRefs(), desk: deskOf(ws.fork), origin: ws.git(ws.origin, "for-each-ref") }).toEqual(
      before
    )

    const merged = lines({ 3: "two and upstream's" })
    await resolve(ws, artifacts["resolve"], "resolve-patch-two", "b.txt", merged)
    expect(deskOf(ws.fork)).toBe(before.desk)
    const replayed = await ws.replay("release-v2")
    expect(resultOf(replayed)).toMatchObject({ status: "changed" })
    expect(replayed.generation).toBe(1)
    expect(ws.git(ws.fork, "show", "candidate/v2:b.txt")).toBe(merged.trim())
    expect(ws.git(ws.fork, "show", "candidate/v2:a.txt")).toBe(lines({ 3: "one" }).trim())
  })

  test("when two patches disagree, the way out leads over the earlier patch", async () => {
    await using ws = await makeForkWorkspace()
    ws.git(ws.fork, "switch", "--quiet", "-c", "patch/three", "main")
    await ws.commit(ws.fork, "three", { "a.txt": lines({ 3: "three" }) })
    ws.git(ws.fork, "switch", "--quiet", "desk")
    await ws.release("v2", { "c.txt": "c2\n" })
    const { artifacts, message, status } = resultOf(await ws.fireRelease("v2"))
    // By name, patch/three comes between the other two.
    expect({ status, message }).toEqual({
      status: "needs_intervention",
      message: expect.stringContaining("patch/three")
    })
    expect(artifacts).toMatchObject({ remaining: ["patch/two"] })
    const merged = lines({ 3: "one and three" })
    await resolve(ws, artifacts["resolve"], "resolve-patch-three", "a.txt", merged)
    expect(resultOf(await ws.replay("release-v2")).status).toBe("changed")
    expect(ws.git(ws.fork, "show", "candidate/v2:a.txt")).toBe(merged.trim())
  })
})

describe("fitConflict", () => {
  const conflictOf = (files: number, text: string): Conflict => ({
    patch: "patch/one",
    commit: "a".repeat(40) as Conflict["commit"],
    subject: "one",
    body: "",
    purpose: null,
    onto: null,
    filesOmitted: 0,
    messages: [],
    files: Array.from({ length: files }, (_, at) => ({
      path: `${at}.txt`,
      pathBase64: null,
      kind: "content",
      base: null,
      ours: null,
      theirs: null,
      markedText: text,
      truncated: false,
      markedTextStart: 0,
      touchedBy: [],
      touchedByComplete: true,
      resolutions: []
    }))
  })

  test("keeps a record that fits as it is", () => {
    const conflict = conflictOf(2, "text")
    expect(fitConflict(conflict, 10_000)).toBe(conflict)
  })

  test("cuts the texts of one that does not, says so, and keeps every file", () => {
    const fitted = fitConflict(conflictOf(200, "\u0001".repeat(65_536)))
    expect(JSON.stringify(fitted).length).toBeLessThanOrEqual(512 * 1024)
    expect(fitted.files).toHaveLength(200)
    expect(fitted.files.every((file) => file.truncated && (file.markedText?.length ?? 0) > 50)).toBe(true)
  })
})

describe("fitResult", () => {
  const result = {
    status: "failed" as const,
    message: "why",
    artifacts: { candidate: "c", candidateRefs: [], checks: "x".repeat(3_000), applied: "y".repeat(500) }
  }

  test("leaves out no more than it must, and names it", () => {
    expect(fitResult(result, 10_000)).toEqual(result)
    const { checks, ...artifacts } = result.artifacts
    expect(fitResult(result, 1_000)).toEqual({ ...result, artifacts: { ...artifacts, omitted: ["checks"] } })
    expect(fitResult(result, 100).artifacts).toEqual({
      candidate: "c",
      candidateRefs: [],
      omitted: ["checks", "applied"]
    })
  })
})
