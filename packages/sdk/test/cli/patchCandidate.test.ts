import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import { call, errorOf, makeFolder } from "./support.ts"

setDefaultTimeout(60_000)

/** A fork with two patches and its candidate of v2, beside bare remotes `origin` and `upstream` in folders. */
const makeFork = async () => {
  const folder = await makeFolder()
  const env = { PATH: process.env["PATH"], ...isolatedEnvironment }
  const fork = join(folder.path, "fork")
  const gitIn = async (directory: string, ...args: ReadonlyArray<string>): Promise<string> => {
    const child = Bun.spawn(["git", ...args], { cwd: directory, env, stdout: "pipe", stderr: "pipe" })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (child.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
    return stdout.trim()
  }
  const git = (...args: ReadonlyArray<string>) => gitIn(fork, ...args)
  const commit = async (message: string, name: string, text: string): Promise<void> => {
    await folder.write(join("fork", name), text)
    await git("add", "--all")
    await git("commit", "--quiet", "-m", message)
  }
  for (const name of ["origin.git", "upstream.git"])
    await gitIn(folder.path, "init", "--quiet", "--bare", name)
  await gitIn(folder.path, "init", "--quiet", "--initial-branch=main", "fork")
  await commit("base", "a.txt", "one\n")
  await git("tag", "v1")
  await git("switch", "--quiet", "-c", "patch/first")
  await commit("first", "b.txt", "b\n")
  await git("switch", "--quiet", "-c", "patch/second", "v1")
  await commit("second", "bad.txt", "bad\n")
  await git("switch", "--quiet", "main")
  await commit("release", "c.txt", "c\n")
  await git("tag", "v2")
  for (const name of ["origin", "upstream"]) {
    await git("remote", "add", name, join(folder.path, `${name}.git`))
  }
  await git("push", "--quiet", "upstream", "main", "v1", "v2")
  await git("fetch", "--quiet", "upstream")
  const patch = (argv: ReadonlyArray<string>, more: Readonly<Record<string, string>> = {}) =>
    call(["patch", ...argv], { cwd: fork, env: { ...env, ...more } })
  expect((await patch(["rebuild", "--onto", "v2"])).exitCode).toBe(0)
  const origin = () => gitIn(join(folder.path, "origin.git"), "for-each-ref", "--format=%(refname)")
  return {
    folder,
    git,
    patch,
    origin,
    write: (name: string, text: string) => folder.write(join("fork", name), text)
  }
}

describe("patch check", () => {
  test("names the patch that breaks a check; a red upstream is told apart; answers are kept", async () => {
    const { folder, git, patch, write } = await makeFork()
    await using _ = folder
    expect(await patch(["check", "candidate/v2"])).toMatchObject({ exitCode: 2 })
    await write(".patchmoi.toml", '[checks]\ncommands = ["test -e a.txt", "echo it is; test ! -e bad.txt"]\n')
    const red = await patch(["check", "candidate/v2"])
    expect(red.exitCode).toBe(1)
    expect(red.stdout).toContain("passed test -e a.txt\nfailed echo it is; test ! -e bad.txt\n")
    expect(red.stdout).toMatch(/ {2}broken by patch\/second, at [0-9a-f]{12}:\n {4}it is\n/)
    const known = JSON.parse((await patch(["check", "candidate/v2", "--json"])).stdout)
    expect(known).toMatchObject({
      verdict: "failed",
      stack: "proof",
      checks: [{ run: { cached: true } }, {}]
    })
    const upstream = await patch([
      "check",
      "candidate/v2",
      "--tree",
      'test -z "$PATCHMOI_TREE"',
      "--run",
      "true"
    ])
    expect(upstream).toMatchObject({ exitCode: 10 })
    expect(upstream.stdout).toContain('failed-upstream-too test -z "$PATCHMOI_TREE"\npassed true\n')
    const env = ["--env", "FLAVOUR", "--run", 'test "$FLAVOUR" = sour', "--toolchain", "git --version"]
    expect(await patch(["check", "patch/first", ...env, "--no-cache"], { FLAVOUR: "sour" })).toMatchObject({
      exitCode: 0
    })
    expect(await patch(["check", "patch/first", ...env], { FLAVOUR: "sweet" })).toMatchObject({
      exitCode: 10
    })
    expect(await git("worktree", "list", "--porcelain")).not.toContain("patchmoi-worktree")
  })
})

describe("patch verify", () => {
  test("verified, differs and unverifiable have an exit code each", async () => {
    const { folder, git, patch } = await makeFork()
    await using _ = folder
    const good = await patch(["verify", "candidate/v2"])
    expect(good.exitCode).toBe(0)
    expect(good.stdout).toMatch(/^verified [0-9a-f]{12}: the candidate of v2\n/)
    await git("notes", "--ref=patchmoi", "copy", "candidate/v2", "v1")
    const other = await patch(["verify", "v1", "--json"])
    expect(other.exitCode).toBe(1)
    expect(JSON.parse(other.stdout)).toMatchObject({ _tag: "Differs" })
    expect(await patch(["verify", "v2"])).toMatchObject({ exitCode: 10 })
    expect((await patch(["verify", "v2"])).stdout).toContain("(no-note)")
  })
})

describe("patch publish", () => {
  test("shows the plan, and sends only with the gate open and a word of the operator", async () => {
    const { folder, origin, patch } = await makeFork()
    await using _ = folder
    const open = { CODEX_FLOW_PUBLISH: "1" }
    const publish = ["publish", "candidate/v2", "--tag", "v2-fork.1"]
    expect(await patch(publish, open)).toMatchObject({ exitCode: 2 })
    const dry = await patch([...publish, "--dry-run"])
    expect(dry.exitCode).toBe(0)
    expect(dry.stdout).toContain("create branch candidate/v2: ")
    expect(dry.stdout).toContain("create tag v2-fork.1: ")
    const id = /--approve ([0-9a-f]{64})$/m.exec(dry.stdout)?.[1] ?? ""
    const shut = await patch([...publish, "--yes", "--json"], { CODEX_FLOW_PUBLISH: "0" })
    expect(shut.exitCode).toBe(1)
    expect(errorOf(shut)).toMatchObject({ code: "PublishForbidden", by: "operator" })
    const wrong = await patch([...publish, "--approve", "0".repeat(64), "--json"], open)
    expect(errorOf(wrong)).toMatchObject({ code: "ApprovalMissing", plan: id })
    expect(await origin()).toBe("")
    const sent = await patch([...publish, "--approve", id], open)
    expect(sent).toMatchObject({ exitCode: 0 })
    expect(sent.stdout).toContain("pushed candidate/v2\npushed v2-fork.1\n")
    expect((await origin()).split("\n")).toEqual([
      "refs/heads/candidate/v2",
      "refs/notes/patchmoi",
      "refs/tags/v2-fork.1"
    ])
    expect((await patch([...publish, "--yes"], open)).stdout).toContain("up to date candidate/v2\n")
  })

  test("the repository's file forbids, and can open nothing: no gate, no remote, no other upstream", async () => {
    const { folder, git, origin, patch, write } = await makeFork()
    await using _ = folder
    const open = { CODEX_FLOW_PUBLISH: "1" }
    await write(".patchmoi.toml", "[publish]\npush = false\n")
    const forbidden = await patch(["publish", "candidate/v2", "--yes", "--json"], open)
    expect(errorOf(forbidden)).toMatchObject({ code: "PublishForbidden", by: "repository" })
    await write(
      ".patchmoi.toml",
      '[git]\nforkRemote = "upstream"\nupstreamRemote = "origin"\n[publish]\npush = true\n'
    )
    const closed = await patch(["publish", "candidate/v2", "--yes", "--json"])
    expect(errorOf(closed)).toMatchObject({ code: "PublishForbidden", by: "operator" })
    const named = await patch(["publish", "candidate/v2", "--tag", "v2", "--yes", "--json"], open)
    expect(errorOf(named)).toMatchObject({ code: "PublishedRefIsUpstreamTag", upstreamRemote: "upstream" })
    const dry = JSON.parse((await patch(["publish", "candidate/v2", "--dry-run", "--json"])).stdout)
    expect(dry).toMatchObject({ dryRun: true, plan: { remote: "origin", upstreamRemote: "upstream" } })
    await git("remote", "rename", "upstream", "theirs")
    await git("remote", "add", "third", "../third.git")
    expect(await patch(["publish", "candidate/v2", "--yes"], open)).toMatchObject({ exitCode: 2 })
    expect(await origin()).toBe("")
  })
})
