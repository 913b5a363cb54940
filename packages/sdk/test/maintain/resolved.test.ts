/** A conflict that somebody resolved once is carried over by itself, says so, and is not pushed by itself. */
import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type ForkWorkspace, isolated, lines, makeForkWorkspace, resultOf } from "./forkWorkspace.ts"

const program = join(import.meta.dir, "..", "..", "src", "bin.ts")

/** Resolves the conflict as the report says, in a work tree of its own. */
const resolve = async (ws: ForkWorkspace, onto: string, text: string): Promise<void> => {
  const patchmoi = async (...args: ReadonlyArray<string>): Promise<number> => {
    const command = [process.execPath, program, "patch", ...args, "--cwd", ws.fork]
    const child = Bun.spawn(command, { cwd: ws.root, env: isolated, stdout: "ignore", stderr: "inherit" })
    return child.exited
  }
  const folder = join(ws.root, "resolving")
  expect(await patchmoi("resolve", "--onto", onto, "--dir", folder)).toBe(10)
  await writeFile(join(folder, "a.txt"), text)
  ws.git(folder, "add", "a.txt")
  expect(await patchmoi("continue", "--author", "Ada <ada@example.com>")).toBe(0)
}

test("a stored resolution answers the replay; what rests on it waits for a person, unless the operator says otherwise", async () => {
  await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUSH: "1" } })
  const released = await ws.release("v2", { "a.txt": lines({ 3: "v2" }) })
  const conflicted = resultOf(await ws.fireRelease("v2"))
  expect(conflicted.status).toBe("needs_intervention")
  expect(conflicted.message).toContain(`patch resolve --cwd ${ws.fork} --onto ${released}`)

  await resolve(ws, released, lines({ 3: "v2 and one" }))
  const held = resultOf(await ws.replay("release-v2"))
  expect(held.status).toBe("needs_intervention")
  expect(held.message).toContain("resolved as before: a.txt of patch/one")
  expect(held.message).toContain("nothing was moved or pushed")
  expect(ws.git(ws.fork, "show", "candidate/v2:a.txt")).toBe(lines({ 3: "v2 and one" }).trim())
  expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()

  await ws.configure({ push_resolved: true, checks: ["grep -q one a.txt"], control_run: false })
  expect(resultOf(await ws.replay("release-v2")).status).toBe("changed")
  expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBe(ws.refAt(ws.fork, "refs/heads/candidate/v2"))

  // What passed with a resolution stands beside it, for whoever reviews it.
  const files = ws.git(ws.fork, "ls-tree", "-r", "--name-only", "refs/patchmoi/resolutions").split("\n")
  const record = files.find((file) => file.endsWith("resolution.json")) ?? ""
  expect(ws.git(ws.fork, "show", `refs/patchmoi/resolutions:${record}`)).toContain("grep -q one a.txt")

  await ws.configure({ reuse_resolutions: false })
  expect(resultOf(await ws.fireRelease("v2", "by hand")).status).toBe("needs_intervention")
})
