/**
 * The unit file of `examples/daemon` under a real manager, with steps in units of their own. Run by
 * `SystemdExecutor.test.ts` under a user manager of its own.
 */
import { expect, test } from "bun:test"
import { mkdir, symlink } from "node:fs/promises"
import { join } from "node:path"
import { createHttpFlowClient } from "../../../src/client/HttpFlowClient.ts"

const example = join(import.meta.dir, "../../../../../examples/daemon")
const home = process.env["HOME"] ?? ""
const unit = "patchmoi-daemon.service"

const systemctl = (...words: ReadonlyArray<string>): string => {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["systemctl", "--user", ...words])
  if (exitCode !== 0) throw new Error(`systemctl ${words.join(" ")}: ${stderr}`)
  return stdout.toString().trim()
}

/** Reads a file again and again until it holds this. */
const awaitText = async (path: string, pattern: RegExp): Promise<string> => {
  const deadlineMillis = performance.now() + 10_000
  while (performance.now() < deadlineMillis) {
    const text = await Bun.file(path)
      .text()
      .catch(() => "")
    const found = pattern.exec(text)?.[1]
    if (found !== undefined) return found
    await Bun.sleep(20)
  }
  throw new Error(`${path} never held ${pattern}: ${await Bun.file(path).text()}`)
}

const note = `import { readFileSync } from "node:fs"
export default () => ({ status: "completed", message: readFileSync("/proc/self/cgroup", "utf8") })`

test("the daemon runs as a user service, and its steps as units beside it", async () => {
  const units = join(home, ".config/systemd/user")
  const log = join(home, "daemon.log")
  const file = await Bun.file(join(example, "deploy", unit)).text()
  const command = /^ExecStart=(.*)$/m.exec(file)?.[1]
  await mkdir(join(home, ".bun/bin"), { recursive: true })
  await symlink(process.execPath, join(home, ".bun/bin/bun"))
  await mkdir(join(home, "daemon/flows/note"), { recursive: true })
  await symlink(join(example, "src"), join(home, "daemon/src"))
  await Bun.write(
    join(home, "daemon/flows/note/flow.toml"),
    'name = "note"\nversion = 1\n[[steps]]\nname = "note"\nrunner = "bun"\nscript = "note.ts"\n[steps.trigger]\ntype = "note"\n[steps.limits]\ntasks_max = 50\n'
  )
  await Bun.write(join(home, "daemon/flows/note/note.ts"), note)
  await Bun.write(join(home, "daemon/feed-sources.json"), '{ "sources": [] }')
  await Bun.write(
    join(home, ".config/patchmoi-daemon.env"),
    "CODEX_FLOW_BACKEND_SECRET=a secret of the test\n"
  )
  await Bun.write(join(units, unit), file)
  // All that is changed: any free port, and a log that a test can read.
  await Bun.write(
    join(units, `${unit}.d/test.conf`),
    `[Service]\nExecStart=\nExecStart=${command} --port 0\nStandardOutput=file:${log}\nStandardError=file:${log}\n`
  )
  systemctl("daemon-reload")
  systemctl("start", unit)
  const baseUrl = await awaitText(log, /listening on (http:[^\s"]+)/)
  await using flows = createHttpFlowClient({ baseUrl, hmacSecret: "a secret of the test" })
  const { runs } = await flows.dispatchEvent({ id: "note-1", type: "note", payload: {} })
  expect(runs[0]?.status).toBe("completed")
  expect(runs[0]?.resultPayload?.message).toContain("patchmoi-run_")
  expect(runs[0]?.resultPayload?.message).not.toContain(unit)
  systemctl("stop", unit)
  expect(systemctl("show", unit, "--property=Result,ExecMainStatus").split("\n").sort()).toEqual([
    "ExecMainStatus=0",
    "Result=success"
  ])
})
