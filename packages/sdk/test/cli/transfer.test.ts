/** A record moves from one kind of store to another by `log export` and `log import`, and everything reads as before. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { appendFile, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { call, errorOf, eventText, flowFiles, makeFolder, says } from "./support.ts"

/** A record of JSON lines with three events; the step of e1 prints. */
let folder: Awaited<ReturnType<typeof makeFolder>>

const calling = (...argv: ReadonlyArray<string>) => call(argv, { cwd: folder.path })
const json = async (...argv: ReadonlyArray<string>) => {
  const called = await calling(...argv, "--json")
  return called.stdout === "" ? errorOf(called) : JSON.parse(called.stdout)
}
const path = (name: string): string => join(folder.path, name)

/** Everything that the reading commands tell of a record. */
const viewsOf = async (dataDir: string) => {
  const on = ["--data-dir", dataDir]
  const { runs } = await json("run", "list", ...on)
  expect(runs).toHaveLength(4)
  const views = {
    runs,
    events: await json("event", "list", ...on),
    attempts: await json("attempt", "list", ...on),
    shown: await json("event", "show", "e1", ...on),
    texts: await Promise.all(
      runs.map(async ({ id }: { id: string }) => (await calling("run", "show", id, ...on)).stdout)
    )
  }
  // A run says which kind of store keeps it.
  return JSON.parse(JSON.stringify(views).replaceAll(/(backend(?:":"|\\t))(?:file|sqlite)/g, "$1"))
}

beforeAll(async () => {
  folder = await makeFolder({
    ...flowFiles("alpha", [
      {
        name: "good",
        type: "release",
        script: `console.log("a line")\n${says({ status: "completed", message: "done" })}`
      },
      { name: "stuck", type: "push", script: says({ status: "blocked" }) }
    ]),
    "e1.json": eventText("e1", "release", { tag: "v1" }),
    "e2.json": eventText("e2", "push"),
    "e3.json": eventText("e3", "release", { tag: "é𝄞" })
  })
  for (const event of ["e1", "e2", "e3"]) {
    await calling("flow", "fire", "--event", `${event}.json`, "--data-dir", "data")
  }
  await calling("event", "replay", "e2", "--data-dir", "data")
})
afterAll(() => folder[Symbol.asyncDispose]())

describe("log export and log import", () => {
  test("JSON lines to SQLite and back: the views are the same, proven by the digest of all documents", async () => {
    const exported = await json("log", "export", "--data-dir", "data", "--out", "a.export")
    expect(exported).toMatchObject({
      store: "file",
      facts: expect.any(Number),
      documents: expect.any(String)
    })
    expect(exported.outputs).toBeGreaterThan(0)
    const { facts, outputs, documents } = exported
    expect(await json("log", "import", "a.export", "--data-dir", "moved", "--store", "sqlite")).toEqual({
      directory: path("moved"),
      store: "sqlite",
      source: "file",
      facts,
      outputs,
      documents
    })
    expect(existsSync(path("moved/patchmoi.sqlite"))).toBe(true)
    expect(await viewsOf("moved")).toEqual(await viewsOf("data"))

    const again = await json("log", "export", "--data-dir", "moved", "--out", "b.export")
    expect(again).toMatchObject({ store: "sqlite", facts, outputs, documents })
    await json("log", "import", "b.export", "--data-dir", "back", "--store", "file")
    expect(await viewsOf("back")).toEqual(await viewsOf("data"))
    expect(await readFile(path("back/flow-events.jsonl"), "utf8")).toBe(
      await readFile(path("data/flow-events.jsonl"), "utf8")
    )
    const lines = (text: string) => text.split("\n").slice(1, -2)
    expect(lines(await readFile(path("b.export"), "utf8"))).toEqual(
      lines(await readFile(path("a.export"), "utf8"))
    )
  })

  test("writing goes on in the new record, and a known event stays known", async () => {
    await json("log", "export", "--data-dir", "data", "--out", "c.export")
    await json("log", "import", "c.export", "--data-dir", "goes-on", "--store", "sqlite")
    const known = await json("flow", "fire", "--event", "e1.json", "--data-dir", "goes-on")
    expect(known).toMatchObject({ status: "duplicate" })
    expect(await calling("event", "replay", "e1", "--data-dir", "goes-on")).toMatchObject({ exitCode: 0 })
  })

  test("standard output takes the export, standard error the summary", async () => {
    const called = await calling("log", "export", "--data-dir", "data")
    expect(called.stdout.split("\n")[0]).toContain('"format":"patchmoi-log"')
    expect(called.stderr).toMatch(/^\d+ facts and \d+ pieces of output; documents [0-9a-f]{64}\n$/)
  })

  test("an export that was cut or altered makes no record", async () => {
    await json("log", "export", "--data-dir", "data", "--out", "d.export")
    const text = await readFile(path("d.export"), "utf8")
    const lines = text.split("\n")
    const damaged = {
      cut: lines.slice(0, 5).join("\n"),
      altered: text.replace("blocked", "blockeD"),
      empty: "",
      longer: `${text}${lines[3]}\n`
    }
    for (const [name, content] of Object.entries(damaged)) {
      await writeFile(path("bad.export"), content)
      const refused = await json("log", "import", "bad.export", "--data-dir", `from-${name}`)
      expect({ name, ...refused }).toMatchObject({ name, code: "TransferRefused", line: expect.any(Number) })
    }
    expect((await readdir(folder.path)).filter((name) => /^from-|importing/.test(name))).toEqual([])
  })

  test("a folder that is in use is left as it is", async () => {
    await json("log", "export", "--data-dir", "data", "--out", "e.export")
    expect(await json("log", "import", "e.export", "--data-dir", "data")).toMatchObject({
      code: "ImportTargetInUse",
      dataDir: path("data")
    })
    await appendFile(path("a-file"), "x")
    expect(await json("log", "import", "e.export", "--data-dir", "a-file")).toMatchObject({
      code: "ImportTargetInUse"
    })
  })
})

describe("which store a folder holds", () => {
  test("--store makes it, later commands find it, and another one is refused", async () => {
    const on = ["--event", "e1.json", "--data-dir", "chosen"]
    expect(await json("flow", "fire", ...on, "--store", "sqlite")).toMatchObject({ status: "accepted" })
    expect(existsSync(path("chosen/patchmoi.sqlite"))).toBe(true)
    expect(await json("flow", "fire", ...on)).toMatchObject({ status: "duplicate" })
    expect((await json("run", "list", "--data-dir", "chosen")).runs).toHaveLength(1)
    const refused = await json("flow", "fire", ...on, "--store", "file")
    expect(refused).toMatchObject({ code: "RecordUnusable", reason: "otherStore" })
  })

  test("a folder that is a file is named in a plain sentence", async () => {
    await writeFile(path("plain"), "x")
    for (const command of [
      ["run", "list"],
      ["log", "verify"],
      ["log", "export"],
      ["event", "replay", "e1"]
    ]) {
      const called = await calling(...command, "--data-dir", "plain")
      expect(called).toMatchObject({
        exitCode: 1,
        stderr: `error: ${path("plain")} is a file, and a record is a folder: name another one with --data-dir or DATA_DIR\n`
      })
    }
  })
})
