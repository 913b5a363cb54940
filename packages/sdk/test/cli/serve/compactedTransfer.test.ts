/** A record that was compacted is backed up and restored: `log compact`, `log export`, `log import`, and `serve` on what came out. */
import { expect, test } from "bun:test"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { jsonOf, post, runCli, startServe, workspace } from "./support.ts"

const event = (id: string) => ({ id, type: "demo.echo", payload: { status: "changed" } })

test("a compacted record moves: it is whole, knows its duplicates, serves, and is compacted again", async () => {
  await using place = await workspace()
  const cli = async (...args: ReadonlyArray<string>) => {
    const { stdout, stderr } = await runCli(place.root, [...args, "--json"])
    return JSON.parse(stdout === "" ? stderr : stdout)
  }
  const known = await (async () => {
    await using server = await startServe(place.root, ["--store", "sqlite", "--data-dir", "data"])
    for (const id of ["old-1", "old-2"]) await post(server.url, "/events?wait=true", event(id))
    await cli("log", "compact", "--before", "0s", "--data-dir", "data")
    await post(server.url, "/events?wait=true", event("new"))
    return await jsonOf(post(server.url, "/events", event("old-1")))
  })()
  expect(known).toMatchObject({ status: "duplicate", matched: 1, runIds: [expect.any(String)] })

  const exported = await cli("log", "export", "--data-dir", "data", "--out", "backup.export")
  expect(exported).toMatchObject({ store: "sqlite", documents: expect.any(String) })
  // An older backup is never written over.
  expect(await cli("log", "export", "--data-dir", "data", "--out", "backup.export")).toMatchObject({
    error: { code: "UsageError" }
  })
  const imported = await cli("log", "import", "backup.export", "--data-dir", "restored", "--store", "sqlite")
  const { facts, outputs, documents } = exported
  expect(imported).toMatchObject({ source: "sqlite", facts, outputs, documents })
  expect(await cli("log", "verify", "--data-dir", "restored")).toMatchObject({ facts, flaws: [] })

  await using server = await startServe(place.root, ["--data-dir", "restored"])
  expect(await jsonOf(post(server.url, "/events", event("old-1")))).toEqual(known)
  const replayed = await post(server.url, "/events/old-2/replay", {})
  expect(replayed.ok).toBe(false)
  expect(await replayed.json()).toMatchObject({ error: { code: "EventForgotten" } })
  expect((await jsonOf(fetch(`${server.url}/runs`))).runs).toMatchObject([{ eventId: "new" }])
  const added = await jsonOf(post(server.url, "/events?wait=true", event("newer")))
  expect(added).toMatchObject({ status: "accepted", runs: [{ effectiveStatus: "changed" }] })
  expect(await cli("log", "compact", "--before", "0s", "--data-dir", "restored")).toMatchObject({
    events: 2,
    runs: 2
  })
  expect(await cli("log", "verify", "--data-dir", "restored")).toMatchObject({ flaws: [] })
})

test("what cannot be imported leaves nothing: JSON lines, a cut export, an altered one", async () => {
  await using place = await workspace()
  const cli = (...args: ReadonlyArray<string>) => runCli(place.root, [...args, "--json"])
  await writeFile(join(place.root, "event.json"), JSON.stringify(event("old")))
  await cli("flow", "fire", "--event", "event.json", "--data-dir", "data", "--store", "sqlite")
  await cli("log", "compact", "--before", "0s", "--data-dir", "data")
  await cli("log", "export", "--data-dir", "data", "--out", "backup.export")
  const text = await readFile(join(place.root, "backup.export"), "utf8")
  expect(text).toContain('{"kind":"stream"')
  await writeFile(join(place.root, "cut.export"), text.slice(0, -40))
  await writeFile(join(place.root, "altered.export"), text.replace("demo.echo", "demo.ecHo"))
  const codes = await Promise.all(
    [
      ["backup.export", "file"],
      ["cut.export", "sqlite"],
      ["altered.export", "sqlite"]
    ].map(async ([name = "", store = ""]) => {
      const refused = await cli("log", "import", name, "--data-dir", `from-${name}`, "--store", store)
      const { error } = JSON.parse(refused.stderr)
      return [refused.code, error.code, /--store sqlite/.test(error.message)]
    })
  )
  expect(codes).toEqual([
    [1, "TransferUnsupported", true],
    [1, "TransferRefused", false],
    [1, "TransferRefused", false]
  ])
  expect((await readdir(place.root)).filter((name) => name.startsWith("from-"))).toEqual([])
})
