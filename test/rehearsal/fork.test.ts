/** The rehearsal of a fork as a process of its own, as a reader of the guide runs it. */
import { expect, test } from "bun:test"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { differenceOf } from "../../scripts/docs/expectedOutput.ts"
import { blocksOf } from "../../scripts/docs/pages.ts"
import { runCommand } from "../../scripts/verify/command.ts"

/** Longest time for the rehearsal: it is killed then. On a machine with nothing else to do it takes some seconds. */
const rehearsalMillisMax = 180_000

const page = "docs/guides/rehearse-a-fork.md"

const program = join(import.meta.dir, "../../examples/fork-rehearsal/src/main.ts")

const run = (args: ReadonlyArray<string>, home: string) =>
  runCommand([process.execPath, program, ...args], {
    cwd: home,
    env: { NO_COLOR: "1", TMPDIR: home },
    timeoutMillis: rehearsalMillisMax
  })

const inTemporary = async (work: (home: string) => Promise<void>): Promise<void> => {
  const home = await mkdtemp(join(tmpdir(), "patchmoi-fork-rehearsal-test-"))
  try {
    await work(home)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

test(
  "goes as it must, prints what the guide shows, and leaves nothing behind",
  () =>
    inTemporary(async (home) => {
      const { exitCode, output, stdout } = await run([], home)
      expect(exitCode, output).toBe(0)
      const text = await Bun.file(join(import.meta.dir, "../..", page)).text()
      const shown = blocksOf({ path: page, text }).find(({ file }) => file === "fork-rehearsal")
      expect(differenceOf(shown?.text ?? "no transcript", stdout)).toBeUndefined()
      expect(await readdir(home)).toEqual([])
    }),
  rehearsalMillisMax + 10_000
)

test("refuses a folder that holds something", () =>
  inTemporary(async (home) => {
    await Bun.write(join(home, "kept", "file"), "kept\n")
    const { exitCode, output } = await run(["--directory", join(home, "kept")], home)
    expect(exitCode).toBe(2)
    expect(output).toContain("is not empty")
  }))
