/** The unit file and the container file start the daemon with options that it has. */
import { describe, expect, test } from "bun:test"
import { dirname, join } from "node:path"

const example = dirname(import.meta.dir)
const read = (path: string): Promise<string> => Bun.file(join(example, path)).text()

const optionsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/--([a-z-]+)/g)].map(([, name = ""]) => name)

const known = [...(await read("src/main.ts")).matchAll(/^ +"?([a-z-]+)"?: \{ type: "string"/gm)].map(
  ([, name]) => name
)

test("the daemon has options", () => {
  expect(known).toEqual(["workspace", "sources", "data-dir", "host", "port", "executor"])
})

describe("the unit file", async () => {
  const unit = await read("deploy/patchmoi-daemon.service")
  const command = /^ExecStart=.* src\/main\.ts (.*)$/m.exec(unit)?.[1] ?? ""

  test("starts the daemon with options that it has", () => {
    expect(optionsOf(command).length).toBeGreaterThan(2)
    for (const name of optionsOf(command)) expect(known).toContain(name)
  })

  test("gives a stop more time than running steps have", () => {
    expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)?.[1])).toBeGreaterThan(10)
    expect(unit).toContain("KillMode=mixed")
  })
})

describe("the container file", async () => {
  const container = await read("deploy/Containerfile")
  const entry: ReadonlyArray<string> = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(container)?.[1] ?? "[]")

  test("starts the daemon without a shell, with options that it has", () => {
    expect(entry.slice(0, 2)).toEqual(["bun", "src/main.ts"])
    for (const name of optionsOf(entry.join(" "))) expect(known).toContain(name)
  })

  test("has the Bun of this repository", async () => {
    const { packageManager } = await Bun.file(join(example, "../../package.json")).json()
    expect(container).toContain(`oven/${String(packageManager).replace("@", ":")}-slim`)
  })
})
