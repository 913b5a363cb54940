/** What rests on stored resolutions is shown in the plan, and goes out by an approval of it alone. */
import { expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import { call, errorOf, makeFolder } from "./support.ts"

setDefaultTimeout(120_000)

test("--yes does not publish what rests on stored resolutions; --approve does", async () => {
  await using folder = await makeFolder()
  const env = { PATH: process.env["PATH"], ...isolatedEnvironment, CODEX_FLOW_PUBLISH: "1" }
  const gitIn = async (cwd: string, ...args: ReadonlyArray<string>): Promise<string> => {
    const child = Bun.spawn(["git", ...args], { cwd, env, stdout: "pipe", stderr: "pipe" })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (child.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
    return stdout.trim()
  }
  const fork = join(folder.path, "fork")
  const git = (...args: ReadonlyArray<string>) => gitIn(fork, ...args)
  const patch = (...argv: ReadonlyArray<string>) => call(["patch", ...argv], { cwd: fork, env })
  const commit = async (text: string): Promise<void> => {
    await folder.write("fork/a.txt", `one\n${text}\nthree\n`)
    await git("add", "--all")
    await git("commit", "--quiet", "-m", text)
  }
  await gitIn(folder.path, "init", "--quiet", "--initial-branch=main", "fork")
  await commit("base")
  await git("switch", "--quiet", "-c", "patch/1-ours")
  await commit("ours")
  await git("switch", "--quiet", "main")
  await commit("upstream")
  for (const remote of ["upstream", "origin"]) {
    await gitIn(folder.path, "init", "--quiet", "--bare", `${remote}.git`)
    await git("remote", "add", remote, `file://${join(folder.path, `${remote}.git`)}`)
  }
  await git("push", "--quiet", "upstream", "main")
  await git("fetch", "--quiet", "upstream")

  const { directory } = JSON.parse((await patch("resolve", "--onto", "main", "--json")).stdout)
  await Bun.write(join(directory, "a.txt"), "one\nboth\nthree\n")
  await gitIn(directory, "add", "a.txt")
  expect((await patch("continue", "--author", "Ada <ada@example.com>")).exitCode).toBe(0)

  const dry = await patch("publish", "candidate/main", "--dry-run")
  expect(dry.stdout).toMatch(/^resolved patch\/1-ours: a\.txt by the stored resolution [0-9a-f]{12}$/m)
  const alone = await patch("publish", "candidate/main", "--yes", "--json")
  expect(alone.exitCode).toBe(1)
  expect(errorOf(alone)).toMatchObject({ code: "ApprovalMissing" })
  expect(await gitIn(join(folder.path, "origin.git"), "for-each-ref")).toBe("")

  const plan = /^plan: (\w+)$/m.exec(dry.stdout)?.[1] ?? ""
  const sent = await patch("publish", "candidate/main", "--approve", plan, "--json")
  expect(sent.exitCode).toBe(0)
  expect(JSON.parse(sent.stdout)).toMatchObject({ published: true, resolved: [{ path: "a.txt" }] })
  expect(await gitIn(join(folder.path, "origin.git"), "rev-parse", "candidate/main")).toBe(
    await git("rev-parse", "candidate/main")
  )
})
