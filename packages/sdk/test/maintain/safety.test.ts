/** What comes from outside grants nothing: events, upstream's names, and the fork's own settings. */
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { maintainFork, type UpstreamMovement } from "@patchmoi/sdk/git"
import { deskOf, type ForkWorkspace, makeForkWorkspace, resultOf } from "./forkWorkspace.ts"

/** The same work in this process, without the flow around it. */
const maintain = (
  ws: ForkWorkspace,
  given: { readonly repository?: string; readonly config?: object } = {}
) =>
  maintainFork({
    workspace: ws.workspace,
    movement: { kind: "release", repo: "acme/tool", tag: "v1" },
    onProgress: () => undefined,
    ...given
  })

const allRefs = (ws: ForkWorkspace) => ws.git(ws.fork, "for-each-ref")

describe("maintain-fork and names from outside", () => {
  test("hostile tags and branches are refused, and nothing is run or written", async () => {
    await using ws = await makeForkWorkspace()
    const before = allRefs(ws)
    const touched = join(ws.root, "touched")
    const names = [
      "-v2",
      `--upload-pack=touch ${touched}`,
      "refs/tags/--help",
      "../../heads/main",
      "v1..v2",
      "v1^{commit}",
      "v1~1",
      "a b",
      "v1\nFLOW_RESULT {}",
      "v1@{0}",
      "x.lock",
      `$(touch ${touched})`,
      `;touch ${touched}`,
      "v".repeat(2_000)
    ]
    const follow = (movement: UpstreamMovement) =>
      maintainFork({ workspace: ws.fork, movement, onProgress: () => undefined })
    for (const name of names) {
      const release = await follow({ kind: "release", repo: "acme/tool", tag: name })
      expect({ name, ...release }).toMatchObject({ status: "blocked", artifacts: { candidateRefs: [] } })
      const branch = await follow({
        kind: "branch",
        repo: "acme/tool",
        ref: name.replace(/^refs\/tags/, "refs/heads")
      })
      expect({ name, ...branch }).toMatchObject({ status: "blocked", artifacts: { candidateRefs: [] } })
    }
    const run = await ws.fireRelease("v1\nFLOW_RESULT {}", "one of them as an event")
    expect(resultOf(run).status).toBe("blocked")
    expect(existsSync(touched)).toBe(false)
    expect(allRefs(ws)).toBe(before)
  })

  test("an event cannot lead out of the operator's root", async () => {
    await using ws = await makeForkWorkspace()
    await symlink(ws.upstream, join(ws.workspace, "link"))
    await mkdir(join(ws.workspace, "plain"))
    ws.git(ws.workspace, "init", "--quiet", ".")
    const before = ws.git(ws.upstream, "for-each-ref")
    for (const [repository, words] of [
      ["../upstream", "which is not in"],
      [ws.upstream, "which is not in"],
      ["link", "which is not in"],
      ["nowhere", "there is no folder"],
      ["plain", "is not a repository of its own"],
      ["fork/.git", "is the git folder of a work tree"]
    ] as const) {
      const found = await maintain(ws, { repository })
      expect(found).toMatchObject({ status: "blocked", message: expect.stringContaining(words) })
    }
    expect(ws.git(ws.upstream, "for-each-ref")).toBe(before)
    const asEvent = resultOf(
      await ws.fire("one of them as an event", { tag: "v1", repository: "../upstream" })
    )
    expect(asEvent).toMatchObject({ status: "blocked", message: expect.stringContaining("which is not in") })
    const allowed = await maintain(ws, { repository: "upstream", config: { root: ws.root } })
    expect(allowed).toMatchObject({
      status: "blocked",
      message: expect.stringContaining("nothing to carry over")
    })
  })

  test("config and gates in a payload are nothing", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    const grants = { push: true, move_target: true, config: { push: true }, maintain: { push: true } }
    const main = ws.refAt(ws.fork, "refs/heads/main")
    expect(resultOf(await ws.fire("grants", { tag: "v2", ...grants }))).toMatchObject({
      status: "changed",
      artifacts: { pushes: [] }
    })
    expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(main)
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()
  })
})

describe("maintain-fork and the fork's .patchmoi.toml", () => {
  const write = (ws: ForkWorkspace, text: string) => writeFile(join(ws.fork, ".patchmoi.toml"), text)

  test("grants nothing: no push, no move, no commands", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    const ran = join(ws.root, "ran")
    await write(
      ws,
      `[publish]\npush = true\nmove_target = true\n[safety]\nallowRebuild = true\n[checks]\ncommands = ["touch ${ran}"]\n`
    )
    const main = ws.refAt(ws.fork, "refs/heads/main")
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({
      status: "changed",
      artifacts: { pushes: [], checks: [] }
    })
    expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(main)
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()
    expect(existsSync(ran)).toBe(false)
    await ws.configure({ repository_checks: true })
    expect(resultOf(await ws.replay("release-v2"))).toMatchObject({
      status: "completed",
      artifacts: { checks: [{ outcome: "passed" }] }
    })
    expect(existsSync(ran)).toBe(true)
  })

  test("forbids: a fetch, a push, a move, a rebuild", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUSH: "1" } })
    ws.git(ws.fork, "fetch", "--quiet", "upstream")
    await ws.configure({ move_target: true })
    await ws.release("v2", { "c.txt": "c2\n" })
    await write(ws, "[fetch]\nallowFetch = false\n[publish]\npush = false\nmove_target = false\n")
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({ status: "blocked" })
    const main = ws.refAt(ws.fork, "refs/heads/main")
    expect(resultOf(await ws.fireRelease("v1"))).toMatchObject({
      status: "changed",
      artifacts: { pushes: [] }
    })
    expect(ws.refAt(ws.fork, "refs/heads/main")).toBe(main)
    await write(ws, "[safety]\nallowRebuild = false\n")
    const before = allRefs(ws)
    expect(resultOf(await ws.fireRelease("v2", "later"))).toMatchObject({
      status: "blocked",
      message: expect.stringContaining("forbids rebuilds")
    })
    expect(allRefs(ws)).toBe(before)
  })

  test("does not choose where a push goes or which branch moves", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    await write(ws, '[git]\nforkRemote = "elsewhere"\ntargetBranch = "desk"\n')
    await ws.configure({ push: true })
    const push = resultOf(await ws.fireRelease("v2", "push"))
    expect(push).toMatchObject({
      status: "blocked",
      message: expect.stringContaining('fork_remote = "elsewhere"')
    })
    await ws.configure({ push: false, move_target: true })
    const move = resultOf(await ws.fireRelease("v2", "move"))
    expect(move).toMatchObject({
      status: "blocked",
      message: expect.stringContaining('target_branch = "desk"')
    })
  })

  test("where something is pushed, it cannot say which remote is upstream", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_PUSH: "1" } })
    await ws.release("v2", { "c.txt": "c2\n" })
    await write(ws, '[git]\nupstreamRemote = "origin"\n')
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({
      status: "blocked",
      message: expect.stringContaining('say upstream_remote = "origin"')
    })
    expect(ws.refAt(ws.origin, "refs/heads/candidate/v2")).toBeNull()
    await write(ws, '[git]\nupstreamRemote = "upstream"\n')
    expect(resultOf(await ws.replay("release-v2")).status).toBe("changed")
  })

  test("a broken one blocks with file, line and field", async () => {
    await using ws = await makeForkWorkspace()
    await write(ws, '[publish]\npush = "maybe"\n')
    const { message, status } = resultOf(await ws.fireRelease("v1"))
    expect({ status, message }).toEqual({
      status: "blocked",
      message: expect.stringContaining(".patchmoi.toml:2: publish.push")
    })
  })
})

describe("maintain-fork when something is missing", () => {
  test("an unknown tag, with fetch and without", async () => {
    await using ws = await makeForkWorkspace({ env: { CODEX_FLOW_FETCH: "0" } })
    await ws.release("v2", { "c.txt": "c2\n" })
    const off = resultOf(await ws.fireRelease("v2"))
    expect(off).toMatchObject({ status: "blocked", message: expect.stringContaining("CODEX_FLOW_FETCH=1") })
    ws.git(ws.fork, "fetch", "--quiet", "--tags", "upstream")
    expect(resultOf(await ws.replay("release-v2")).status).toBe("changed")

    await using other = await makeForkWorkspace()
    const missing = resultOf(await other.fireRelease("v9"))
    expect(missing).toMatchObject({
      status: "blocked",
      message: expect.stringContaining("upstream does not have it")
    })
  })

  test("no repository, no upstream remote, an upstream that does not answer, no patches", async () => {
    await using ws = await makeForkWorkspace()
    const blocked = async (words: string, given: Parameters<typeof maintain>[1] = { repository: "fork" }) =>
      expect(await maintain(ws, given)).toMatchObject({
        status: "blocked",
        message: expect.stringContaining(words)
      })
    await mkdir(join(ws.workspace, "empty"))
    await blocked("is not inside a git repository", { repository: "empty" })
    await blocked("there is no folder", { config: { repository: "nowhere" } })
    await blocked('begins with "other/"', { repository: "fork", config: { patch_prefix: "other/" } })
    ws.git(ws.fork, "remote", "set-url", "upstream", `file://${ws.root}/nowhere`)
    await blocked("could not be reached")
    ws.git(ws.fork, "remote", "remove", "upstream")
    await blocked("git remote add upstream URL")
  })

  test("a config with a misspelt key is refused, and one for another upstream skips", async () => {
    await using ws = await makeForkWorkspace()
    await ws.configure({ pusch: false })
    const refused = resultOf(await ws.fireRelease("v1"))
    expect(refused).toMatchObject({ status: "blocked", message: expect.stringContaining("pusch") })
    await using other = await makeForkWorkspace()
    await other.configure({ upstream_repo: "acme/other" })
    expect(resultOf(await other.fireRelease("v1")).status).toBe("skipped")
  })
})

describe("maintainFork", () => {
  test("works without a flow, and tells its progress to a function", async () => {
    await using ws = await makeForkWorkspace()
    await ws.release("v2", { "c.txt": "c2\n" })
    const told: Array<string> = []
    const desk = deskOf(ws.fork)
    const result = await maintainFork({
      workspace: ws.fork,
      movement: { kind: "release", repo: "acme/tool", tag: "v2" },
      onProgress: (line) => told.push(line)
    })
    expect(result).toMatchObject({ status: "changed" })
    expect(told.at(-1)).toStartWith("maintain-fork: changed: 2 patches carried over to v2")
    expect(deskOf(ws.fork)).toBe(desk)
  })
})
