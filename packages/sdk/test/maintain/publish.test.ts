/** Pushing by an exact lease, to a real git server over HTTP on loopback. */
import { afterAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { makeGitHttpServer } from "@patchmoi/git/testing/GitHttpServer"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { type ForkWorkspace, lines, makeForkWorkspace, resultOf } from "./forkWorkspace.ts"

const scope = await Effect.runPromise(Scope.make())
afterAll(() => Effect.runPromise(Scope.close(scope, Exit.void)))

const candidate = "refs/heads/candidate/v2"

/** A workspace whose origin is served over HTTP, with a release to carry over and `push` on. */
const makeServed = async (env: Readonly<Record<string, string>> = { CODEX_FLOW_PUSH: "1" }) => {
  const ws = await makeForkWorkspace({ env })
  const server = await Effect.runPromise(Scope.extend(makeGitHttpServer({ root: ws.root }), scope))
  ws.git(ws.fork, "remote", "set-url", "origin", `${server.url}/origin.git`)
  await ws.release("v2", { "a.txt": lines({ 25: "v2" }) })
  return { ws, server }
}

/** Somebody else's commit at a branch of the remote. */
const pushForeign = async (ws: ForkWorkspace, ref: string): Promise<string> => {
  const foreign = await ws.commit(ws.upstream, "somebody else's", { "d.txt": "d\n" })
  ws.git(ws.upstream, "push", "--quiet", "--force", ws.origin, `${foreign}:${ref}`)
  return foreign
}

describe("maintain-fork and pushing", () => {
  test("pushes nothing unless it is told to", async () => {
    const { ws } = await makeServed({})
    await using _ = ws
    expect(resultOf(await ws.fireRelease("v2")).artifacts).toMatchObject({ pushes: [] })
    expect(ws.refAt(ws.origin, candidate)).toBeNull()
  })

  test("config pushes, and a gate that says no wins over it", async () => {
    const { ws } = await makeServed({ CODEX_FLOW_PUSH: "no" })
    await using _ = ws
    await ws.configure({ push: true })
    expect(resultOf(await ws.fireRelease("v2")).artifacts).toMatchObject({ pushes: [] })
    expect(ws.refAt(ws.origin, candidate)).toBeNull()
  })

  test("pushes a new candidate, then nothing, then replaces what it pushed itself", async () => {
    const { ws } = await makeServed()
    await using _ = ws
    const first = resultOf(await ws.fireRelease("v2"))
    const pushed = ws.refAt(ws.fork, candidate)
    expect(first.status).toBe("changed")
    expect(first.artifacts).toMatchObject({
      pushes: [{ remote: "origin", outcome: "pushed", expected: null, observed: pushed }],
      candidateRefs: [
        { remote: "local", sha: pushed, pushed: true },
        { kind: "branch", remote: "origin", ref: candidate, sha: pushed, pushed: true }
      ]
    })
    expect(ws.refAt(ws.origin, candidate)).toBe(pushed)

    const again = resultOf(await ws.fireRelease("v2", "again"))
    expect(again).toMatchObject({ status: "completed", artifacts: { pushes: [{ outcome: "up to date" }] } })

    ws.git(ws.fork, "switch", "--quiet", "patch/one")
    await ws.commit(ws.fork, "one, amended", { "a.txt": lines({ 3: "one, better" }) })
    ws.git(ws.fork, "switch", "--quiet", "desk")
    const third = resultOf(await ws.replay("release-v2"))
    expect(third).toMatchObject({
      status: "changed",
      artifacts: { pushes: [{ outcome: "pushed", expected: pushed }] }
    })
    expect(ws.refAt(ws.origin, candidate)).toBe(ws.refAt(ws.fork, candidate))
    expect(ws.refAt(ws.origin, candidate)).not.toBe(pushed)
  })

  test("leaves what somebody else pushed, and replaces it only by force, which is a lease as well", async () => {
    const { ws } = await makeServed()
    await using _ = ws
    const foreign = await pushForeign(ws, candidate)
    const found = resultOf(await ws.fireRelease("v2"))
    expect(found).toMatchObject({
      status: "blocked",
      message: expect.stringContaining(`it is at ${foreign}`),
      artifacts: {
        pushes: [{ outcome: "foreign", observed: foreign }],
        candidateRefs: [{ remote: "local", pushed: false }]
      }
    })
    expect(ws.refAt(ws.origin, candidate)).toBe(foreign)
    await ws.configure({ force: true })
    expect(resultOf(await ws.replay("release-v2"))).toMatchObject({
      status: "changed",
      artifacts: { pushes: [{ outcome: "pushed", expected: foreign }] }
    })
  })

  test("a remote branch that moves during the run is stale, even by force", async () => {
    const { ws } = await makeServed({ CODEX_FLOW_PUSH: "1", CODEX_FLOW_FORCE: "1" })
    await using _ = ws
    const foreign = await ws.commit(ws.upstream, "somebody else's", { "d.txt": "d\n" })
    await ws.configure({
      checks: [`git -C ${ws.upstream} push --quiet ${ws.origin} ${foreign}:${candidate}`]
    })
    const found = resultOf(await ws.fireRelease("v2"))
    expect(found).toMatchObject({
      status: "blocked",
      message: expect.stringContaining(foreign),
      artifacts: { pushes: [{ outcome: "stale", expected: null, observed: foreign }] }
    })
    expect(ws.refAt(ws.origin, candidate)).toBe(foreign)
  })

  test("a server that declines is quoted; one that does not answer is told; a later replay publishes", async () => {
    const { server, ws } = await makeServed()
    await using _ = ws
    server.faults.declinePush = "candidates are frozen this week"
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({
      status: "blocked",
      message: expect.stringContaining("candidates are frozen this week"),
      artifacts: { pushes: [{ outcome: "declined" }] }
    })
    server.faults.declinePush = null
    server.faults.status = 503
    expect(resultOf(await ws.replay("release-v2"))).toMatchObject({
      status: "blocked",
      artifacts: { pushes: [{ outcome: "unreachable" }] }
    })
    expect(ws.refAt(ws.origin, candidate)).toBeNull()
    server.faults.status = null
    expect(resultOf(await ws.replay("release-v2"))).toMatchObject({
      status: "changed",
      artifacts: { pushes: [{ outcome: "pushed" }] }
    })
  })

  test("each of several remotes is told on its own", async () => {
    const { ws } = await makeServed()
    await using _ = ws
    const mirror = join(ws.root, "mirror.git")
    ws.git(ws.root, "clone", "--quiet", "--bare", ws.origin, mirror)
    ws.git(ws.fork, "remote", "add", "mirror", `file://${mirror}`)
    ws.git(ws.fork, "remote", "add", "broken", `file://${ws.root}/nowhere.git`)
    await ws.configure({ push_remotes: ["broken", "origin", "absent", "mirror"] })
    const { artifacts, status } = resultOf(await ws.fireRelease("v2"))
    expect(status).toBe("blocked")
    expect(artifacts).toMatchObject({
      pushes: [
        { remote: "broken", outcome: "unreachable" },
        { remote: "origin", outcome: "pushed" },
        {
          remote: "absent",
          outcome: "unreachable",
          message: expect.stringContaining("git remote add absent")
        },
        { remote: "mirror", outcome: "pushed" }
      ],
      candidateRefs: [
        { remote: "local" },
        { remote: "origin", pushed: true },
        { remote: "mirror", pushed: true }
      ]
    })
    expect(ws.refAt(mirror, candidate)).toBe(ws.refAt(ws.fork, candidate))
  })

  test("never publishes under the name of an upstream tag", async () => {
    const { ws } = await makeServed()
    await using _ = ws
    ws.git(ws.upstream, "tag", "candidate/v2")
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({
      status: "blocked",
      message: expect.stringContaining("upstream has a tag of that name"),
      artifacts: { pushes: [{ outcome: "declined" }] }
    })
    expect(ws.refAt(ws.origin, candidate)).toBeNull()
  })

  test("a maintained branch that somebody moved at the remote stays there", async () => {
    const { ws } = await makeServed()
    await using _ = ws
    const foreign = await pushForeign(ws, "refs/heads/main")
    await ws.configure({ move_target: true })
    expect(resultOf(await ws.fireRelease("v2"))).toMatchObject({
      status: "blocked",
      artifacts: {
        pushes: [
          { ref: candidate, outcome: "pushed" },
          { ref: "refs/heads/main", outcome: "foreign", observed: foreign }
        ]
      }
    })
    expect(ws.refAt(ws.origin, "refs/heads/main")).toBe(foreign)
  })
})
