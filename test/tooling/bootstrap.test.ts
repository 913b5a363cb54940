/**
 * `scripts/bootstrap.mjs` in a stand-in clone: its own package.json and lockfile, a task that tells what it was given, and
 * a PATH made of exactly the programs that the case allows. No case needs the network.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test"
import { chmod, copyFile, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const scripts = join(dirname(dirname(import.meta.dir)), "scripts")
const bun = await realpath(process.execPath)
const pinned = Bun.version

/** Tells its arguments, folder and PATH's bun, then waits for SIGTERM or leaves with the code it was asked for. */
const task = `
const [how, ...rest] = process.argv.slice(2)
// Before the first line is printed: whoever reads it may send the signal at once.
if (how === "wait") process.on("SIGTERM", () => process.exit(7))
const bun = Bun.spawnSync(["bun", "--version"]).stdout.toString().trim()
console.log(JSON.stringify({ how, rest, cwd: process.cwd(), bun, version: Bun.version }))
if (how === "wait") setInterval(() => {}, 1000)
else if (how === "die") process.kill(process.pid, "SIGKILL")
else process.exitCode = Number(how ?? 0)
`

let clone = ""
let bin = ""
beforeEach(async () => {
  clone = await realpath(await mkdtemp(join(tmpdir(), "patchmoi-bootstrap-")))
  bin = join(clone, "bin")
  await mkdir(join(clone, "scripts"))
  await mkdir(bin)
  await copyFile(join(scripts, "bootstrap.mjs"), join(clone, "scripts", "bootstrap.mjs"))
  await Bun.write(join(clone, "scripts", "verify.ts"), task)
  await writeManifest(["p"])
  await workspace("p")
  // The lockfile is made by the bun that runs this test; nothing in it comes from a registry.
  Bun.spawnSync([bun, "install"], { cwd: clone })
  await link("node", Bun.which("node") ?? bun)
  await link("git", Bun.which("git") ?? "")
})
afterEach(() => rm(clone, { recursive: true, force: true }))

const writeManifest = (workspaces: ReadonlyArray<string>) =>
  Bun.write(
    join(clone, "package.json"),
    JSON.stringify({
      name: "clone",
      packageManager: `bun@${pinned}`,
      workspaces,
      dependencies: { p: "workspace:*" }
    })
  )

const workspace = async (name: string) => {
  await mkdir(join(clone, name))
  await Bun.write(join(clone, name, "package.json"), JSON.stringify({ name, version: "1.0.0" }))
}

const link = (name: string, target: string) => symlink(target, join(bin, name))

const program = async (path: string, lines: string) => {
  await mkdir(dirname(path), { recursive: true })
  await Bun.write(path, `#!/bin/sh\n${lines}\n`)
  await chmod(path, 0o755)
}

const start = (args: ReadonlyArray<string>, cwd = clone) =>
  Bun.spawn([join(bin, "node"), join(clone, "scripts", "bootstrap.mjs"), ...args], {
    cwd,
    env: { PATH: bin, HOME: clone },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })

const run = async (args: ReadonlyArray<string>, cwd?: string) => {
  const child = start(args, cwd)
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  return { stdout, stderr, exitCode }
}

describe("with Bun on PATH", () => {
  beforeEach(() => link("bun", bun))

  test("runs the task at the root with the arguments, from any folder, and takes over its exit code", async () => {
    const { stdout, exitCode } = await run(["verify", "3", "--package", "a b", "--", "-x"], tmpdir())
    expect(JSON.parse(stdout)).toEqual({
      how: "3",
      rest: ["--package", "a b", "--", "-x"],
      cwd: clone,
      bun: pinned,
      version: pinned
    })
    expect(exitCode).toBe(3)
  })

  test("forwards SIGTERM and reports how the task answered it", async () => {
    const child = start(["verify", "wait"])
    // The first line says that the task is up and listens.
    const reader = child.stdout.getReader()
    await reader.read()
    child.kill("SIGTERM")
    expect(await child.exited).toBe(7)
  })

  test("reports a task that died by a signal as 128 + its number", async () => {
    expect((await run(["verify", "die"])).exitCode).toBe(137)
  })

  test("shows what bun said when the lockfile does not fit", async () => {
    await writeManifest(["p", "q"])
    await workspace("q")
    const { stderr, exitCode } = await run(["verify"])
    expect(stderr).toContain("bun install --frozen-lockfile")
    expect(stderr).toContain("lockfile had changes")
    expect(exitCode).toBe(1)
  })

  test("names the tasks that there are", async () => {
    expect((await run(["nothing"])).stderr).toContain(
      `unknown task "nothing". Known tasks: verify, rehearsal, patchmoi.`
    )
    expect((await run([])).exitCode).toBe(1)
  })

  test("says that git is missing", async () => {
    await rm(join(bin, "git"))
    const { stderr, exitCode } = await run(["verify"])
    expect(stderr).toContain("git was not found on PATH")
    expect(exitCode).toBe(1)
  })

  test("refuses a package.json that pins no version", async () => {
    await Bun.write(join(clone, "package.json"), `{ "packageManager": "bun@latest" }`)
    expect((await run(["verify"])).stderr).toContain(`found "bun@latest"`)
  })
})

describe("without the pinned Bun on PATH", () => {
  const cached = () => join(clone, ".cache", "bun", pinned, "node_modules", "@oven")

  /** An npm that "installs" by linking the Bun that runs this test, and tells how it was called. */
  const fakeNpm = () =>
    program(
      join(bin, "npm"),
      `echo "$@" >"${clone}/npm-called"
/bin/mkdir -p "$3/node_modules/@oven/bun-test/bin" && /bin/ln -s "${bun}" "$3/node_modules/@oven/bun-test/bin/bun"`
    )

  test("fetches it once by package name, into the cache, past a Bun of another version", async () => {
    await program(join(bin, "bun"), "echo 0.0.1")
    await fakeNpm()
    const first = await run(["verify", "0"])
    expect(first.stderr).toContain(`fetching bun@${pinned}`)
    expect(JSON.parse(first.stdout)).toMatchObject({ bun: pinned, version: pinned })
    expect(await Bun.file(`${clone}/npm-called`).text()).toContain(
      `--ignore-scripts --no-audit --no-fund --loglevel=error bun@${pinned}`
    )
    expect(await readdir(join(clone, ".cache", "bun"))).toEqual([pinned])

    await rm(join(bin, "npm"))
    const second = await run(["verify", "0"])
    expect(second.stderr).toBe("")
    expect(second.exitCode).toBe(0)
  })

  test("takes the platform package that starts on this machine", async () => {
    await program(join(cached(), "a-other-platform", "bin", "bun"), "exit 126")
    await mkdir(join(cached(), "b-this-platform", "bin"), { recursive: true })
    await symlink(bun, join(cached(), "b-this-platform", "bin", "bun"))
    expect((await run(["verify", "0"])).exitCode).toBe(0)
  })

  test("says that npm is missing", async () => {
    const { stderr, exitCode } = await run(["verify"])
    expect(stderr).toContain("npm was not found on PATH")
    expect(exitCode).toBe(1)
  })

  test("shows what npm said when it could not fetch, and leaves nothing half done", async () => {
    await program(join(bin, "npm"), "echo 'network is down' >&2\nexit 1")
    const { stderr, exitCode } = await run(["verify"])
    expect(stderr).toContain(`npm could not install bun@${pinned}. Is the network`)
    expect(stderr).toContain("network is down")
    expect(exitCode).toBe(1)
    expect(await readdir(join(clone, ".cache", "bun"))).toEqual([])
  })

  test("says when what npm brought does not start here", async () => {
    await program(join(bin, "npm"), "exit 0")
    expect((await run(["verify"])).stderr).toContain("none of its binaries starts on")
  })
})
