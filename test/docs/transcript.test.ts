/** The transcript in the README is what the rehearsal prints: it is run here, as `npm start` runs it. */
import { expect, test } from "bun:test"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { differenceOf } from "../../scripts/docs/expectedOutput.ts"
import { blocksOf } from "../../scripts/docs/pages.ts"
import { runCommand } from "../../scripts/verify/command.ts"

const root = join(import.meta.dir, "../..")
const rehearsalMillisMax = 120_000

test(
  "the rehearsal prints what the README shows",
  async () => {
    const text = await Bun.file(join(root, "README.md")).text()
    const transcript = blocksOf({ path: "README.md", text }).find(({ file }) => file === "rehearsal")
    const folder = await mkdtemp(join(tmpdir(), "patchmoi-transcript-"))
    const command = ["bun", "examples/rehearsal/src/main.ts", "--directory", folder]
    const result = await runCommand(command, {
      cwd: root,
      env: { NO_COLOR: "1" },
      timeoutMillis: rehearsalMillisMax
    })
    await rm(folder, { recursive: true, force: true })
    expect(result.exitCode, result.output).toBe(0)
    expect(differenceOf(transcript?.text ?? "no transcript", result.stdout)).toBeUndefined()
  },
  rehearsalMillisMax + 10_000
)

test("the package scripts that pages name are there", async () => {
  const { scripts }: { readonly scripts: Readonly<Record<string, string>> } = await Bun.file(
    join(root, "package.json")
  ).json()
  const pages = await Promise.all(
    ["README.md", "CONTRIBUTING.md"].map((page) => Bun.file(join(root, page)).text())
  )
  const named = pages.flatMap((page) =>
    [...page.matchAll(/\b(?:bun|npm) run ([\w:-]+)/g)].map(([, name]) => name)
  )
  expect(named.length).toBeGreaterThan(2)
  expect(named.filter((name) => name === undefined || scripts[name] === undefined)).toEqual([])
})
