import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { quarantineNameOf } from "@patchmoi/git/patch/StaleQuarantines"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import { call, errorOf, makeFolder } from "./support.ts"

// Real git on a busy machine can take longer than the five seconds that bun:test allows.
setDefaultTimeout(60_000)

/** A fork of an upstream with releases v1 and v2, two patches on v1, and a file that only `clash` disagrees about. */
const makeFork = async (options: { readonly clash: boolean }) => {
  const folder = await makeFolder()
  const git = async (...args: ReadonlyArray<string>): Promise<string> => {
    const child = Bun.spawn(["git", ...args], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"], ...isolatedEnvironment },
      stdout: "pipe",
      stderr: "pipe"
    })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (child.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
    return stdout.trim()
  }
  const commit = async (message: string, name: string, text: string): Promise<void> => {
    await folder.write(name, text)
    await git("add", "--all")
    await git("commit", "--quiet", "-m", message)
  }
  await git("init", "--quiet", "--initial-branch=main", ".")
  await commit("base", "a.txt", "one\ntwo\nthree\n")
  await git("tag", "v1")
  await git("switch", "--quiet", "-c", "patch/first")
  await commit("first", "b.txt", "b\n")
  await git("switch", "--quiet", "-c", "patch/second", "v1")
  await commit("second", "a.txt", "one\nours\nthree\n")
  await git("switch", "--quiet", "main")
  await commit("release", options.clash ? "a.txt" : "c.txt", "one\nupstream\nthree\n")
  await git("tag", "v2")
  await git("remote", "add", "origin", "https://forge.example/fork.git")
  await git("remote", "add", "upstream", "https://forge.example/upstream.git")
  await git("update-ref", "refs/remotes/upstream/main", "v2")
  const patch = (...argv: ReadonlyArray<string>) =>
    call(["patch", ...argv], {
      cwd: folder.path,
      env: { PATH: process.env["PATH"], ...isolatedEnvironment }
    })
  return { folder, git, patch }
}

describe("patch doctor", () => {
  test("a repository that is ready, in the lines that scripts know", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    const id = (await git("rev-parse", "v2")).slice(0, 12)
    expect(await patch("doctor")).toEqual({
      exitCode: 0,
      stdout: [
        `repo: ${folder.path}`,
        "branch: main",
        `main: main ${id}`,
        `upstream: upstream/main ${id}`,
        "patches: 2",
        "worktree: clean",
        "ready: yes",
        ""
      ].join("\n"),
      stderr: ""
    })
  })

  test("each issue is a line, and the exit code is 1", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    await git("remote", "remove", "origin")
    await folder.write("loose.txt", "x")
    const { exitCode, stdout } = await patch("doctor")
    expect(exitCode).toBe(1)
    expect(stdout).toContain('ready: no\n- no remote "origin"')
    expect(stdout).toContain("- the work tree has uncommitted changes")
    const json = JSON.parse((await patch("doctor", "--json")).stdout)
    expect(json).toMatchObject({ ready: false, canRebuild: true, topology: { workTree: "dirty" } })
  })

  test("what a stopped rebuild left is an issue, and --sweep removes it", async () => {
    const { folder, patch } = await makeFork({ clash: false })
    await using _ = folder
    const dead = Bun.spawn(["true"])
    await dead.exited
    const left = `${quarantineNameOf(dead.pid)}x`
    await folder.write(`.git/patchmoi/${left}/objects/x`, "")
    const { exitCode, stdout } = await patch("doctor")
    expect(exitCode).toBe(1)
    expect(stdout).toContain(
      "- stopped rebuilds left 1 folder of objects behind; remove them: patchmoi patch doctor --sweep"
    )
    const swept = await patch("doctor", "--sweep")
    expect(swept.exitCode).toBe(0)
    expect(swept.stderr).toContain(`/.git/patchmoi/${left}\n`)
    expect(JSON.parse((await patch("doctor", "--sweep", "--json")).stdout)).toMatchObject({
      ready: true,
      swept: []
    })
  })

  test("a folder without a repository is an error", async () => {
    await using folder = await makeFolder()
    const called = await call(["patch", "doctor", "--json"], { cwd: folder.path })
    expect(called.exitCode).toBe(1)
    expect(errorOf(called)).toMatchObject({ code: "NotARepository", directory: folder.path })
  })
})

describe("patch list", () => {
  test("the branches in order, with commit, subject and count", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    const [first, second] = [await git("rev-parse", "patch/first"), await git("rev-parse", "patch/second")]
    expect((await patch("list")).stdout).toBe(
      `patch/first\t${first}\tfirst\t1\npatch/second\t${second}\tsecond\t1\n`
    )
    expect(JSON.parse((await patch("list", "--json")).stdout).patches[0]).toMatchObject({ commits: 1 })
    await git("update-ref", "-d", "refs/remotes/upstream/main")
    const without = await patch("list")
    expect(without.stdout).toStartWith(`patch/first\t${first}\t\t`)
    expect(without.stderr).toContain("patchmoi patch doctor")
  })
})

describe("patch rebuild", () => {
  test("moves the candidate and nothing else; a dry run moves nothing", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    const dry = await patch("rebuild", "--onto", "v2", "--dry-run")
    expect(dry.exitCode).toBe(0)
    expect(dry.stdout).toContain("no branch was moved (dry run)\n")
    expect(await git("branch", "--list", "candidate/*")).toBe("")
    const before = await git("rev-parse", "main", "patch/first", "patch/second", "HEAD")
    const rebuilt = await patch("rebuild", "--onto", "v2")
    const tip = await git("rev-parse", "candidate/v2")
    expect(rebuilt.exitCode).toBe(0)
    expect(rebuilt.stdout).toContain("applied patch/first: 1 commit\napplied patch/second: 1 commit\n")
    expect(rebuilt.stdout).toContain(`candidate: candidate/v2 ${tip.slice(0, 12)}\n`)
    expect(await git("show", "candidate/v2:a.txt")).toBe("one\nours\nthree")
    expect(await git("rev-parse", "main", "patch/first", "patch/second", "HEAD")).toBe(before)
    expect(await git("status", "--porcelain")).toBe("")
  })

  test("--to names another branch, which is made", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    expect(JSON.parse((await patch("rebuild", "--to", "next", "--json")).stdout)).toMatchObject({
      _tag: "Rebuilt",
      candidate: "next",
      backup: null,
      moved: [{ ref: "refs/heads/next", expected: null }]
    })
    expect(await git("rev-parse", "next~2")).toBe(await git("rev-parse", "v2"))
  })

  const refusals = [
    { to: "patch/first", reason: "patch" },
    { to: "patch/first", force: true, reason: "patch" },
    { to: "patch/third", reason: "patch" },
    { to: "main", reason: "maintained" },
    { to: "work", reason: "existing" },
    { to: "candidate/alias", reason: "symbolic" },
    { to: "candidate/alias", force: true, reason: "symbolic" },
    { to: "main", force: true, reason: "checked out" }
  ]
  for (const { to, force, reason } of refusals) {
    test(`--to ${to}${force === true ? " --force" : ""} is refused (${reason}), and nothing is moved`, async () => {
      const { folder, git, patch } = await makeFork({ clash: false })
      await using _ = folder
      await git("branch", "work", "v1")
      await git("symbolic-ref", "refs/heads/candidate/alias", "refs/heads/patch/first")
      const before = await git("for-each-ref")
      const more = force === true ? ["--force"] : []
      for (const dry of [[], ["--dry-run"]]) {
        const refused = await patch("rebuild", "--onto", "v2", "--to", to, ...more, ...dry, "--json")
        expect(refused.exitCode).toBe(2)
        expect(errorOf(refused)).toMatchObject({ code: "UsageError", option: "--to", found: to, reason })
      }
      expect(await git("for-each-ref")).toBe(before)
      const told = await patch("rebuild", "--onto", "v2", "--to", to, ...more)
      expect(told).toMatchObject({ exitCode: 2, stdout: "" })
      expect(told.stderr).toStartWith("error: ")
    })
  }

  test("--force moves a branch that is there and keeps what it was", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    await git("branch", "work", "patch/second")
    const before = await git("rev-parse", "work")
    const backup = `refs/patchmoi/before/work/${before}`
    const forced = await patch("rebuild", "--onto", "v2", "--to", "work", "--force")
    expect(forced).toMatchObject({ exitCode: 0, stderr: "" })
    expect(forced.stdout).toEndWith(`before: ${backup}\n`)
    expect(await git("rev-parse", backup)).toBe(before)
    expect(await git("rev-parse", "work~2")).toBe(await git("rev-parse", "v2"))
    // A candidate is the tool's own: it moves unasked, and nothing is kept.
    expect((await patch("rebuild", "--onto", "v1", "--to", "candidate/x")).exitCode).toBe(0)
    const again = await patch("rebuild", "--onto", "v2", "--to", "candidate/x", "--json")
    expect(JSON.parse(again.stdout)).toMatchObject({ candidate: "candidate/x", backup: null })
    expect(await git("rev-parse", "candidate/x")).toBe(await git("rev-parse", "work"))
  })

  test("a candidate that is checked out in another work tree is not moved", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    await git("worktree", "add", "--quiet", "-b", "candidate/v2", "linked", "v1")
    const refused = await patch("rebuild", "--onto", "v2", "--json")
    expect(refused.exitCode).toBe(1)
    expect(errorOf(refused)).toMatchObject({ code: "BranchCheckedOut", ref: "refs/heads/candidate/v2" })
    expect(await git("rev-parse", "candidate/v2")).toBe(await git("rev-parse", "v1"))
  })

  test("a patch that upstream took in is dropped with the reason", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    await git("switch", "--quiet", "main")
    await folder.write("b.txt", "b\n")
    await git("add", "--all")
    await git("commit", "--quiet", "-m", "taken in")
    await git("tag", "v3")
    const taken = (await git("rev-parse", "v3")).slice(0, 12)
    expect((await patch("rebuild", "--onto", "v3")).stdout).toContain(
      `dropped patch/first: it has landed: ${taken} has the same change\n`
    )
    expect((await patch("rebuild", "--onto", "v3", "--carry-landed", "--dry-run")).stdout).toContain(
      "dropped patch/first: it changes nothing any more\n"
    )
  })

  test("a conflict is told in full, moves nothing, and is exit code 10", async () => {
    const { folder, git, patch } = await makeFork({ clash: true })
    await using _ = folder
    const called = await patch("rebuild", "--onto", "v2")
    expect(called.exitCode).toBe(10)
    const blob = await git("rev-parse", "patch/second:a.txt")
    for (const part of [
      "applied patch/first: 1 commit\n",
      `conflict patch/second: ${(await git("rev-parse", "patch/second")).slice(0, 12)} second\n`,
      "a.txt (content)\n",
      `  theirs (the patch): ${blob} (mode 100644)\n`,
      "<<<<<<<",
      "  upstream\n",
      "  ours\n",
      ">>>>>>>"
    ]) {
      expect(called.stdout).toContain(part)
    }
    expect(await git("branch", "--list", "candidate/*")).toBe("")
    const json = await patch("rebuild", "--onto", "v2", "--json")
    expect(json.exitCode).toBe(10)
    expect(JSON.parse(json.stdout)).toMatchObject({
      _tag: "Conflicted",
      conflict: { patch: "patch/second", files: [{ path: "a.txt", kind: "content" }] }
    })
  })

  test("--keep-going carries over the rest, tells what was skipped, and is exit code 10", async () => {
    const { folder, git, patch } = await makeFork({ clash: true })
    await using _ = folder
    await git("switch", "--quiet", "-c", "patch/third", "patch/second")
    await git("commit", "--quiet", "--allow-empty", "-m", "third")
    await git("switch", "--quiet", "main")
    const told = await patch("rebuild", "--onto", "v2", "--keep-going", "--trailers", "--event", "e1")
    expect(told.exitCode).toBe(10)
    for (const part of [
      "applied patch/first: 1 commit\n",
      "skipped patch/second: it conflicts\nconflict patch/second: ",
      "a.txt (content)\n",
      "skipped patch/third: it depends on patch/second, it builds on its commits\n",
      "candidate: candidate/v2 "
    ]) {
      expect(told.stdout).toContain(part)
    }
    expect(told.stdout).not.toContain("Nothing was moved")
    expect(await git("log", "-1", "--format=%B", "candidate/v2")).toBe(
      "first\n\nPatchmoi-Patch: patch/first\nPatchmoi-Event: e1"
    )
    const json = await patch("rebuild", "--onto", "v2", "--keep-going", "--json")
    expect(json.exitCode).toBe(10)
    expect(JSON.parse(json.stdout)).toMatchObject({
      _tag: "Rebuilt",
      skipped: [
        { patch: "patch/second", reason: "conflict" },
        { patch: "patch/third", on: "patch/second" }
      ]
    })
    const wrong = await patch("rebuild", "--onto", "v2", "--event", "a\nb", "--json")
    expect(errorOf(wrong)).toMatchObject({ code: "InvalidTrailer", key: "Patchmoi-Event" })
  })

  test("what cannot be rebuilt is told with the reason", async () => {
    const { folder, git, patch } = await makeFork({ clash: false })
    await using _ = folder
    expect(errorOf(await patch("rebuild", "--onto", "v9", "--json"))).toMatchObject({
      code: "RevisionNotFound"
    })
    expect(errorOf(await patch("rebuild", "--onto", "--upload-pack=x", "--json"))).toMatchObject({
      code: "UsageError"
    })
    await folder.write(".patchmoi.toml", "[safety]\nallowRebuild = false\n")
    expect(errorOf(await patch("rebuild", "--json"))).toMatchObject({ code: "RebuildForbidden" })
    await folder.write(".patchmoi.toml", "")
    await git("update-ref", "-d", "refs/remotes/upstream/main")
    expect(errorOf(await patch("rebuild", "--json"))).toMatchObject({ code: "NothingToRebuild" })
  })
})
