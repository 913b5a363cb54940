import { expect, test } from "bun:test"
import { join } from "node:path"

test("docs/reference/command-line.md says what the code says", () => {
  const script = join(import.meta.dir, "../../../../scripts/docs/commandLine.ts")
  const { exitCode, stderr } = Bun.spawnSync([process.execPath, script, "--check"])
  expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" })
})
