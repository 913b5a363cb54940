/** `patchmoi patch resolve`, `continue`, `abort` and `patchmoi patch resolution` on a real repository. */
import { expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import { call, errorOf, makeFolder } from "./support.ts"

setDefaultTimeout(120_000)

/** A fork with two patches that both disagree with upstream's v2, and one that does not. */
const makeFork = async () => {
  const folder = await makeFolder()
  const env = { PATH: process.env["PATH"], ...isolatedEnvironment }
  const gitIn = async (cwd: string, ...args: ReadonlyArray<string>): Promise<string> => {
    const child = Bun.spawn(["git", ...args], { cwd, env, stdout: "pipe", stderr: "pipe" })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (child.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
    return stdout.trim()
  }
  const git = (...args: ReadonlyArray<string>) => gitIn(join(folder.path, "fork"), ...args)
  const commit = async (message: string, files: Readonly<Record<string, string>>): Promise<void> => {
    for (const [name, text] of Object.entries(files)) await folder.write(`fork/${name}`, text)
    await git("add", "--all")
    await git("commit", "--quiet", "-m", message)
  }
  await gitIn(folder.path, "init", "--quiet", "--initial-branch=main", "fork")
  await git("config", "user.name", "Ada")
  await git("config", "user.email", "ada@example.com")
  await commit("base", { "a.txt": "one\ntwo\nthree\n", "b.txt": "b\ntwo\nthree\n" })
  await git("tag", "v1")
  for (const [name, files] of [
    ["1-fine", { "fine.txt": "fine\n" }],
    ["2-first", { "a.txt": "one\nours\nthree\n" }],
    ["3-second", { "b.txt": "b\nours\nthree\n" }]
  ] as const) {
    await git("switch", "--quiet", "-c", `patch/${name}`, "v1")
    await commit(name, files)
  }
  await git("switch", "--quiet", "main")
  await commit("release", { "a.txt": "one\nupstream\nthree\n", "b.txt": "b\nupstream\nthree\n" })
  await git("tag", "v2")
  await git("remote", "add", "upstream", "https://forge.example/upstream.git")
  await git("update-ref", "refs/remotes/upstream/main", "v2")
  const patch = (...argv: ReadonlyArray<string>) =>
    call(["patch", ...argv], { cwd: join(folder.path, "fork"), env })
  return { folder, git, gitIn, patch }
}

test("from the first conflict to the candidate, then again by itself; the checkout stays as it is", async () => {
  const { folder, git, gitIn, patch } = await makeFork()
  await using _ = folder
  const before = await git("rev-parse", "main", "patch/1-fine", "patch/2-first", "patch/3-second", "HEAD")
  const dry = await patch("resolve", "--onto", "v2", "--dry-run")
  expect(dry.exitCode).toBe(10)
  expect(dry.stdout).toContain("(dry run)\n")
  expect(await git("for-each-ref", "refs/patchmoi")).toBe("")
  const opened = await patch("resolve", "--onto", "v2", "--json")
  expect(opened.exitCode).toBe(10)
  const { conflict, directory } = JSON.parse(opened.stdout)
  expect(conflict).toMatchObject({
    patch: "patch/2-first",
    files: [{ path: "a.txt", kind: "content", touchedBy: [{ subject: "release" }] }]
  })
  const second = await patch("resolve", "--onto", "v2", "--json")
  expect(second.exitCode).toBe(10)
  expect(errorOf(second)).toMatchObject({ code: "ResolveInProgress", patch: "patch/2-first", directory })
  const unfinished = await patch("continue", "--json")
  expect(unfinished.exitCode).toBe(10)
  expect(errorOf(unfinished)).toMatchObject({ code: "ResolveUnfinished", unmerged: ["a.txt"] })
  await Bun.write(join(directory, "a.txt"), "one\nboth\nthree\n")
  await gitIn(directory, "add", "a.txt")
  const wouldStore = await patch("continue", "--dry-run")
  expect(wouldStore.exitCode).toBe(10)
  expect(wouldStore.stdout).toContain("would store a.txt: ")
  const next = await patch(
    "continue",
    "--author",
    "Eve Agent <eve@example.com>",
    "--how",
    "agent",
    "--note",
    "took both"
  )
  expect(next.exitCode).toBe(10)
  expect(next.stdout).toContain("conflict patch/3-second: ")
  expect(next.stdout).toContain("touched by ")
  const where = /^opened in (.*)$/m.exec(next.stdout)?.[1] ?? ""
  await Bun.write(join(where, "b.txt"), "b\nboth\nthree\n")
  await gitIn(where, "add", "b.txt")
  const done = await patch("continue")
  expect(done).toMatchObject({ exitCode: 0, stderr: "" })
  const tip = await git("rev-parse", "candidate/v2")
  expect(done.stdout).toContain(`moved candidate/v2 ${tip.slice(0, 12)}\n`)
  expect(await git("show", "candidate/v2:a.txt", "candidate/v2:b.txt")).toBe(
    "one\nboth\nthree\nb\nboth\nthree"
  )
  expect(await git("rev-parse", "main", "patch/1-fine", "patch/2-first", "patch/3-second", "HEAD")).toBe(
    before
  )
  expect(await git("status", "--porcelain")).toBe("")
  expect((await patch("continue")).exitCode).toBe(1)
  const listed = JSON.parse((await patch("resolution", "list", "--json")).stdout)
  const [first] = listed.resolutions.filter(
    (each: { resolution: { how: string } }) => each.resolution.how === "agent"
  )
  expect(first.resolution).toMatchObject({
    author: { name: "Eve Agent" },
    note: "took both",
    patch: "patch/2-first"
  })
  const rebuilt = await patch("rebuild", "--onto", "v2")
  expect(rebuilt.exitCode).toBe(0)
  expect(rebuilt.stdout).toContain(`resolved patch/2-first: a.txt by the stored resolution ${first.id}\n`)
  expect(await git("rev-parse", "candidate/v2")).toBe(tip)
  expect((await patch("rebuild", "--onto", "v2", "--reuse", "never")).exitCode).toBe(10)
  expect((await patch("resolution", "delete", first.id)).stdout).toBe(`deleted ${first.id}\n`)
  expect((await patch("resolution", "delete", first.id)).exitCode).toBe(1)
  expect((await patch("rebuild", "--onto", "v2")).exitCode).toBe(10)
})

test("abort, a part of the stack, a folder of one's own, and what is wrong on the command line", async () => {
  const { folder, git, gitIn, patch } = await makeFork()
  await using _ = folder
  const directory = join(folder.path, "work")
  expect((await patch("resolve", "patch/9-none", "--onto", "v2")).exitCode).toBe(2)
  expect((await patch("resolve", "--onto", "v2", "--to", "main")).exitCode).toBe(2)
  expect((await patch("continue", "--author", "nobody")).exitCode).toBe(2)
  expect((await patch("abort")).stdout).toBe("no conflict is open\n")
  expect((await patch("resolve", "patch/2-first", "--onto", "v2", "--dir", directory)).exitCode).toBe(10)
  expect(await gitIn(directory, "status", "--porcelain")).toBe("UU a.txt")
  expect((await patch("abort", "--dry-run")).stdout).toContain(`would remove ${directory}\n`)
  expect((await patch("abort")).stdout).toContain(`removed ${directory}\n`)
  expect((await patch("abort")).stdout).toBe("no conflict is open\n")
  expect(await Bun.file(join(directory, "a.txt")).exists()).toBe(false)
  expect((await patch("resolve", "patch/2-first", "--onto", "v2", "--dir", directory)).exitCode).toBe(10)
  await gitIn(directory, "checkout", "--theirs", "a.txt")
  await gitIn(directory, "add", "a.txt")
  const done = await patch("continue")
  expect(done.exitCode).toBe(0)
  expect(done.stdout).toContain("no branch was moved: only a part of the stack was asked for\n")
  expect(await git("for-each-ref", "refs/heads/candidate")).toBe("")
  expect((await patch("resolve", "patch/2-first", "--onto", "v2")).stdout).toContain("no conflict")
})

test("resolutions travel by a remote, and by rr-cache", async () => {
  const { folder, git, gitIn, patch } = await makeFork()
  await using _ = folder
  expect(errorOf(await patch("resolution", "push", "--json"))).toMatchObject({ code: "UsageError" })
  const far = join(folder.path, "far.git")
  await gitIn(folder.path, "init", "--quiet", "--bare", far)
  await git("remote", "add", "origin", `file://${far}`)
  expect((await patch("resolution", "push")).stdout).toBe("there are no resolutions to push\n")
  const { directory } = JSON.parse((await patch("resolve", "patch/2-first", "--onto", "v2", "--json")).stdout)
  await Bun.write(join(directory, "a.txt"), "one\nboth\nthree\n")
  await gitIn(directory, "add", "a.txt")
  expect((await patch("continue")).exitCode).toBe(0)
  expect((await patch("resolution", "push")).stdout).toBe("pushed to origin\n")
  const id = JSON.parse((await patch("resolution", "list", "--json")).stdout).resolutions[0].id
  await git("update-ref", "-d", "refs/patchmoi/resolutions")
  expect((await patch("resolution", "pull")).stdout).toBe(`new ${id} a.txt by Ada (hand)\n`)
  expect((await patch("resolution", "pull")).stdout).toBe("nothing new from origin\n")
  expect((await patch("resolution", "export", "--dry-run")).stdout).toContain("would write rr-cache/")
  expect((await patch("resolution", "export")).stdout).toContain("written rr-cache/")
  await git("update-ref", "-d", "refs/patchmoi/resolutions")
  expect((await patch("resolution", "import")).stdout).toStartWith("stored ")
  expect(
    JSON.parse((await patch("resolution", "list", "--json")).stdout).resolutions[0].resolution
  ).toMatchObject({
    path: "a.txt",
    note: expect.stringContaining("from rr-cache ")
  })
})
