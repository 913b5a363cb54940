/** What a sources file names as secret reaches no step, whichever command starts it. */
import { describe, expect, test } from "bun:test"
import { plainSource } from "../intake/fixtures.ts"
import { call, errorOf, eventText, flowFiles, makeFolder } from "./support.ts"

/** A step that tells what it sees of the variables of this test. */
const script = `const { FORGE_KEY, RELAY_KEY, BROKEN_KEY, OTHER_KEY } = process.env
console.log("FLOW_RESULT " + JSON.stringify({ status: "completed", artifacts: { seen: { FORGE_KEY, RELAY_KEY, BROKEN_KEY, OTHER_KEY } } }))
`

const held = { FORGE_KEY: "f", RELAY_KEY: "r", BROKEN_KEY: "b", OTHER_KEY: "o" }

const { target } = plainSource
const sourcesText = JSON.stringify({
  sources: [
    {
      ...plainSource,
      target: { ...target, workspaceSecretEnv: "FORGE_KEY", dispatchSecretEnv: "RELAY_KEY" }
    },
    // Not watched, as it has no address; its secret is one all the same.
    { ...plainSource, id: "broken", url: 7, target: { ...target, workspaceSecretEnv: "BROKEN_KEY" } }
  ]
})

const setUp = async () => {
  const folder = await makeFolder({
    ...flowFiles("tell", [{ name: "seen", type: "release", script }]),
    "event.json": eventText("e1", "release"),
    "conf/sources.json": sourcesText,
    "conf/torn.json": sourcesText.slice(0, -2)
  })
  const run = (command: ReadonlyArray<string>, sourcesFile?: string) =>
    call([...command, "--json"], {
      cwd: folder.path,
      env: { ...held, ...(sourcesFile === undefined ? {} : { FEED_SOURCES_PATH: sourcesFile }) }
    })
  return { folder, run, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() }
}

const fire = ["flow", "fire", "--event", "event.json", "--data-dir", "data"]

describe.each([
  ["flow fire", fire],
  ["flow run", ["flow", "run", "tell", "seen", "--event", "event.json"]],
  ["event replay", ["event", "replay", "e1", "--data-dir", "data"]]
])("%s", (name, command) => {
  /** A folder in which the command can do its work: a replay needs something to replay. */
  const ready = async () => {
    const here = await setUp()
    if (name === "event replay") expect((await here.run(fire)).exitCode).toBe(0)
    return here
  }

  const seenBy = (stdout: string): unknown => {
    const { result, results } = JSON.parse(stdout)
    return (result ?? results[0].result).artifacts.seen
  }

  test("keeps what the file names as secret from a step, and nothing else", async () => {
    await using here = await ready()
    const told = await here.run(command, "conf/sources.json")
    expect(told).toMatchObject({ exitCode: 0, stderr: "" })
    expect(seenBy(told.stdout)).toEqual({ OTHER_KEY: "o" })
  })

  test("hands on everything where no sources file is named", async () => {
    await using here = await ready()
    expect(seenBy((await here.run(command)).stdout)).toEqual(held)
    expect(seenBy((await here.run(name === "flow fire" ? fire.slice(0, 4) : command, "")).stdout)).toEqual(
      held
    )
  })

  test.each(["conf/gone.json", "conf/torn.json"])("starts nothing where %s cannot be used", async (file) => {
    await using here = await ready()
    const told = await here.run(command, file)
    expect(told).toMatchObject({ exitCode: 1, stdout: "" })
    expect(errorOf(told)).toMatchObject({ code: "SourcesFileError", file: `${here.folder.path}/${file}` })
  })
})
