import { expect, test } from "bun:test"
import { join } from "node:path"
import { LeaseToken } from "@patchmoi/core/Ids"
import { Runs } from "@patchmoi/core/run/Runs"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import { layerLocal } from "../../src/compose.ts"
import { Flow } from "../../src/Flow.ts"
import { plainSource } from "../intake/fixtures.ts"
import { startFeedServer } from "../intake/PollerFeedServer.ts"
import { backendSecret, makeSources, startEarlierBackend } from "../outbox/support.ts"
import { call, errorOf, flowFiles, makeFolder, says } from "./support.ts"

/** A workspace that watches one feed on loopback. */
const setUp = async (result: Readonly<Record<string, unknown>>) => {
  const forge = startFeedServer()
  const source = { ...plainSource, id: "tool", url: `${forge.url}/tool.atom` }
  const folder = await makeFolder({
    ...flowFiles("maintain", [{ name: "carry", type: "upstream.release", script: says(result) }]),
    "sources.json": JSON.stringify({ sources: [source] })
  })
  const watch = (...argv: ReadonlyArray<string>) =>
    call(["watch", ...argv], {
      cwd: folder.path,
      env: { FEED_SOURCES_PATH: "sources.json", DATA_DIR: "data" }
    })
  const list = (...argv: ReadonlyArray<string>) =>
    call([...argv, "--json"], { cwd: folder.path, env: { DATA_DIR: "data" } })
  const dispose = async (): Promise<void> => {
    await forge[Symbol.asyncDispose]()
    await folder[Symbol.asyncDispose]()
  }
  return { feed: forge.atom("tool"), folder, watch, list, [Symbol.asyncDispose]: dispose }
}

test("one poll primes, the next takes what is new and awaits its runs; the record tells it all", async () => {
  await using here = await setUp({
    status: "changed",
    artifacts: { candidateRef: "refs/heads/candidate/v2" }
  })
  here.feed.publish("v1")
  expect(await here.watch()).toMatchObject({ exitCode: 0, stdout: "tool\tprimed\t1\t0\t0\t\n" })
  here.feed.publish("v2")
  const polled = await here.watch("--json")
  expect(polled).toMatchObject({ exitCode: 0, stderr: "" })
  expect(JSON.parse(polled.stdout)).toMatchObject({
    polls: [{ sourceId: "tool", outcome: "polled" }],
    broken: [],
    events: [{ results: [{ flow: "maintain", step: "carry", status: "changed" }] }]
  })
  const attempts = JSON.parse((await here.list("attempt", "list", "--status", "changed")).stdout).attempts
  expect(attempts).toMatchObject([{ candidateRefs: [{ ref: "refs/heads/candidate/v2" }] }])
  const shown = await call(["attempt", "show", attempts[0].id, "--data-dir", "data"], {
    cwd: here.folder.path
  })
  expect(shown.stdout).toContain("candidate\trefs/heads/candidate/v2\n")
  expect(JSON.parse((await here.watch("--json")).stdout).events).toEqual([])
})

test("a run that asks for a person is exit code 10", async () => {
  await using here = await setUp({ status: "needs_intervention" })
  here.feed.publish("v1")
  await here.watch()
  here.feed.publish("v2")
  expect((await here.watch()).exitCode).toBe(10)
})

test("a source that fails is exit code 1, and the reason is told", async () => {
  await using here = await setUp({ status: "changed" })
  here.feed.answer = () => new Response("no", { status: 500 })
  const polled = await here.watch()
  expect(polled.exitCode).toBe(1)
  expect(polled.stdout).toContain("tool\tfailed\t")
  expect(polled.stdout).toContain("500")
})

test("a sources file that is not there is an error, and no record is made", async () => {
  await using here = await setUp({ status: "changed" })
  const called = await here.watch("--sources", "gone.json", "--json")
  expect(called.exitCode).toBe(1)
  expect(errorOf(called)).toMatchObject({ code: "SourcesFileError", file: `${here.folder.path}/gone.json` })
  expect(await Bun.file(`${here.folder.path}/data/lock`).exists()).toBe(false)
})

/** Puts an event into the record without running it; `begun` leaves its runs as a process does that was killed amid them. */
const leave = (root: string, begun: boolean): Promise<void> =>
  Effect.gen(function* () {
    const flow = yield* Flow
    const store = yield* Store
    yield* flow.dispatchEvent({ id: "left", type: "upstream.release", source: "patch" }, { wait: false })
    if (!begun) return
    const { items } = yield* store.list(Runs)
    const attempt = { workerId: "gone", leaseToken: LeaseToken.make("gone") }
    yield* Effect.forEach(items, ({ id }) =>
      store.transact((transaction) =>
        transaction.execute(Runs, id, { _tag: "StartAttempt", ...attempt, now: transaction.now })
      )
    )
  }).pipe(
    Effect.provide(
      layerLocal({
        workspaceRoot: root,
        state: { kind: "file", dataDir: join(root, "data"), access: "write" },
        environment: { mode: "service", values: {}, secrets: [] },
        engine: { runs: false }
      })
    ),
    Effect.runPromise
  )

test("a run that was queued before is run, shown and counted", async () => {
  await using here = await setUp({ status: "needs_intervention" })
  here.feed.publish("v1")
  await leave(here.folder.path, false)
  const polled = await here.watch("--json")
  expect(polled).toMatchObject({ exitCode: 10, stderr: "" })
  expect(JSON.parse(polled.stdout)).toMatchObject({
    polls: [{ outcome: "primed" }],
    events: [{ eventId: "left", results: [{ flow: "maintain", status: "needs_intervention" }] }],
    recovered: [],
    waiting: []
  })
})

test("a run that a killed process left is told, and so is that it waits for its retry; the next call counts it", async () => {
  await using here = await setUp({ status: "blocked" })
  here.feed.publish("v1")
  await leave(here.folder.path, true)
  const polled = await here.watch()
  expect(polled.exitCode).toBe(0)
  expect(polled.stderr).toMatch(/^1 run that an earlier process left under way: maintain\/carry \(\S+\)$/m)
  const until = /^1 run is still queued until (\S+): patchmoi run list$/m.exec(polled.stderr)?.[1] ?? ""
  while (Date.now() <= Date.parse(until)) await Bun.sleep(Date.parse(until) - Date.now() + 1)
  const next = await here.watch("--json")
  expect(next.exitCode).toBe(10)
  expect(JSON.parse(next.stdout)).toMatchObject({ events: [{ eventId: "left" }], waiting: [] })
})

test("a file without sources is told", async () => {
  await using here = await setUp({ status: "changed" })
  await here.folder.write("sources.json", '{"sources":[]}')
  expect(await here.watch()).toEqual({
    exitCode: 0,
    stdout: "",
    stderr: `no sources in ${here.folder.path}/sources.json\n`
  })
})

test("one poll knows the variables that sources name: what is for another backend is kept for it, and not run here", async () => {
  await using backend = startEarlierBackend()
  for (const [target, variables] of [
    [
      { workspaceUrlEnv: "ELSEWHERE", workspaceSecretEnv: "OTHER" },
      { ELSEWHERE: backend.url, OTHER: backendSecret }
    ],
    [{}, { PATCH_WORKSPACE_BACKEND_URL: backend.url }]
  ] as const) {
    await using folder = await makeFolder(
      flowFiles("maintain", [
        { name: "carry", type: "upstream.release", script: says({ status: "changed" }) }
      ])
    )
    const sources = await makeSources(folder.path, target)
    sources.publish("v1")
    const env = { ...variables, DATA_DIR: "data" }
    const polled = await call(["watch", "--sources", sources.sourcesFile, "--json"], {
      cwd: folder.path,
      env
    })
    expect(polled).toMatchObject({ exitCode: 0, stderr: "" })
    const listed = await call(["attempt", "list", "--json"], { cwd: folder.path, env })
    expect(JSON.parse(listed.stdout).attempts).toMatchObject([
      { workspaceBackendUrl: backend.url, status: "started" }
    ])
    await sources.forge[Symbol.asyncDispose]()
  }
})
