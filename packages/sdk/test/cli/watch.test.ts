import { expect, test } from "bun:test"
import { plainSource } from "../intake/fixtures.ts"
import { startFeedServer } from "../intake/PollerFeedServer.ts"
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
