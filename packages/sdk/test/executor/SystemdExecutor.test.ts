/**
 * The systemd executor under a real user manager: the executor contract, what is particular to units, and the local
 * layer over it. Each runs as a `bun test` of its own below `systemd/userManager.sh`, which makes the manager in
 * namespaces of its own; skipped, with the reason, where that cannot be made.
 */
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { Glob } from "bun"
import { underUserManager, whyNoUserManager } from "./systemd/userManager.ts"

const reason = await whyNoUserManager()
if (reason !== undefined) console.warn(`The systemd executor is not tested: ${reason}`)

/** How many tests each file has at the least: a file that loads nothing must not pass. */
const files = [
  ["contract.inside.ts", 30],
  ["behaviour.inside.ts", 22],
  ["compose.inside.ts", 2],
  ["daemonUnit.inside.ts", 1]
] as const

describe.skipIf(reason !== undefined)("under a user manager of systemd", () => {
  test.each(files.map((each) => [...each] as const))(
    "%s passes, with at least %d tests",
    async (file, testsMin) => {
      const { code, output } = await underUserManager([
        ...[process.execPath, "test", "--timeout=30000"],
        join(import.meta.dir, "systemd", file)
      ])
      expect(code, output).toBe(0)
      expect(Number(/^ *(\d+) pass$/m.exec(output)?.[1])).toBeGreaterThanOrEqual(testsMin)
      expect(output).toMatch(/^ *0 fail$/m)
    },
    120_000
  )

  test("nothing of it is left on the machine", () => {
    const groups = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].filter((folder) => existsSync(folder))
    const left = groups.flatMap((cwd) =>
      [...new Glob("patchmoi-test-*").scanSync({ cwd, onlyFiles: false })].filter((name) =>
        name.startsWith("patchmoi-test-")
      )
    )
    expect(left).toEqual([])
  })
})
