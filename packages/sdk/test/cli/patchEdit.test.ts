import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { join } from "node:path"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import { call, errorOf, makeFolder } from "./support.ts"

setDefaultTimeout(60_000)

const env = { PATH: process.env["PATH"], ...isolatedEnvironment }

/** Commits by fast-import: few processes make the whole fork. */
const commit = (
  branch: string,
  from: string | null,
  message: string,
  files: Record<string, string>
): string =>
  [
    ...(from === null ? [] : [`reset refs/heads/${branch}\nfrom ${from}\n`]),
    `commit refs/heads/${branch}`,
    ...(from === null && branch === "main" ? ["mark :1"] : []),
    "author Ada Author <ada@example.com> 1700000000 +0000",
    "committer Cleo Committer <cleo@example.com> 1700000000 +0000",
    `data ${Buffer.byteLength(message)}\n${message}`,
    ...Object.entries(files).map(
      ([path, text]) => `M 100644 inline ${path}\ndata ${Buffer.byteLength(text)}\n${text}`
    ),
    "",
    ""
  ].join("\n")

/** Upstream at `v1`; `patch/010-one`; `patch/020-two` with two commits; `feature/login` beside them. */
const makeFork = async () => {
  const folder = await makeFolder()
  const git = async (...args: ReadonlyArray<string>): Promise<string> => gitWith("", ...args)
  const gitWith = async (input: string, ...args: ReadonlyArray<string>): Promise<string> => {
    const child = Bun.spawn(["git", ...args], {
      cwd: folder.path,
      env,
      stdin: new Blob([input]),
      stdout: "pipe",
      stderr: "pipe"
    })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (child.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
    return stdout.trim()
  }
  await git("init", "--quiet", "--initial-branch=main", ".")
  const base = { "a.txt": "one\ntwo\nthree\n", "src/app.ts": "app\n" }
  const contract = "Patchmoi-Purpose: say one\nPatchmoi-Scope: a.txt\nPatchmoi-Drop-When: contains:b.txt"
  await gitWith(
    [
      commit("main", null, "base", base),
      "reset refs/tags/v1\nfrom :1\n\nreset refs/remotes/upstream/main\nfrom :1\n\n",
      commit("patch/010-one", ":1", `one\n\n${contract}`, { "a.txt": "ONE\ntwo\nthree\n" }),
      commit("patch/020-two", ":1", "two, first", { "src/two.ts": "2\n" }),
      commit("patch/020-two", null, "two, second", { "b.txt": "b\n" }),
      commit("feature/login", ":1", "wip", { "src/login.ts": "login\n" }),
      commit("feature/clash", ":1", "clash", { "a.txt": "1\ntwo\nthree\n" })
    ].join(""),
    "fast-import",
    "--quiet"
  )
  await git("reset", "--quiet", "--hard")
  const remotes = ["origin", "upstream"].map(
    (name) => `[remote "${name}"]\n\turl = https://x.example/${name}\n`
  )
  await folder.write(
    ".git/config",
    (await Bun.file(join(folder.path, ".git/config")).text()) + remotes.join("")
  )
  const patch = (...argv: ReadonlyArray<string>) => call(["patch", ...argv], { cwd: folder.path, env })
  const refs = () => git("for-each-ref", "--format=%(refname) %(objectname)")
  return { folder, git, patch, refs }
}

describe("patch capture", () => {
  test("captures, skips, refuses, forces, and tells how to go back", async () => {
    const { folder, git, patch, refs } = await makeFork()
    await using _ = folder
    const before = await refs()
    const dry = await patch("capture", "030-login", "--from", "feature/login", "--dry-run")
    expect(dry).toMatchObject({ exitCode: 0, stderr: "" })
    expect(dry.stdout).toStartWith("captured patch/030-login: patch: login (1 file)\n")
    expect(dry.stdout).toEndWith("no branch was moved (dry run)\n")
    expect(await refs()).toBe(before)
    const made = await patch("capture", "030-login", "--from", "feature/login", "--message", "Log in")
    const tip = await git("rev-parse", "patch/030-login")
    expect(made.stdout).toBe(
      [
        "captured patch/030-login: Log in (1 file)",
        `base: ${(await git("rev-parse", "v1")).slice(0, 12)}`,
        `made: patch/030-login ${tip.slice(0, 12)}`,
        `undo: git update-ref -d refs/heads/patch/030-login ${tip}`,
        ""
      ].join("\n")
    )
    expect(await git("symbolic-ref", "HEAD")).toBe("refs/heads/main")
    expect(await git("status", "--porcelain")).toBe("")
    const none = await patch("capture", "030-login", "--from", "v1", "--force")
    expect(none).toEqual({
      exitCode: 0,
      stdout: "skipped patch/030-login: no changes to capture\n",
      stderr: ""
    })
    const exists = await patch("capture", "030-login", "--from", "feature/clash", "--json")
    expect(exists.exitCode).toBe(1)
    expect(errorOf(exists)).toMatchObject({ code: "EditRefused", action: "capture", reason: "exists" })
    const forced = await patch("capture", "030-login", "--from", "feature/clash", "--force", "--json")
    expect(JSON.parse(forced.stdout)).toMatchObject({ status: "changed", replaced: tip, dryRun: false })
    expect(await git("rev-parse", `refs/patchmoi/before/patch/030-login/${tip}`)).toBe(tip)
    // The line that undoes does so.
    const [undo = ""] = JSON.parse(forced.stdout).undo
    await git(...undo.split(" ").slice(1))
    expect(await git("rev-parse", "patch/030-login")).toBe(tip)
  })

  test("a conflict is exit code 10, and the repository can forbid", async () => {
    const { folder, patch, refs } = await makeFork()
    await using _ = folder
    const before = await refs()
    const clash = await patch("capture", "x", "--from", "feature/clash", "--base", "patch/010-one")
    expect(clash.exitCode).toBe(10)
    expect(clash.stdout).toContain("a.txt (content)\n")
    expect(clash.stdout).toContain("Nothing was moved. Rebase the feature branch")
    const json = await patch("capture", "x", "--from", "feature/clash", "--base", "patch/010-one", "--json")
    expect(JSON.parse(json.stdout)).toMatchObject({ status: "needs_intervention", _tag: "Conflicted" })
    await folder.write(".patchmoi.toml", "[safety]\nallowCapture = false\n")
    for (const argv of [
      ["capture", "x", "--from", "feature/login"],
      ["split", "020-two", "--commits"],
      ["reorder", "020-two", "--before", "010-one"],
      ["drop", "020-two"]
    ]) {
      expect(errorOf(await patch(...argv, "--json"))).toMatchObject({ code: "CaptureForbidden" })
    }
    expect(await refs()).toBe(before)
  })

  test("names that git would read as options are refused", async () => {
    const { folder, patch, refs } = await makeFork()
    await using _ = folder
    const before = await refs()
    for (const argv of [
      ["capture", "x", "--from=--upload-pack=x"],
      ["capture", "x", "--from", "feature/login", "--base=--all"],
      ["capture", "a..b", "--from", "feature/login"]
    ]) {
      const called = await patch(...argv, "--json")
      expect(called.exitCode).not.toBe(0)
      expect(errorOf(called)).toMatchObject({ code: "InvalidName" })
    }
    expect(await refs()).toBe(before)
  })
})

describe("patch split", () => {
  test("by paths with --into, and by commits", async () => {
    const { folder, git, patch } = await makeFork()
    await using _ = folder
    const split = await patch("split", "020-two", "--into", "020-src:src/**", "--into", "021-rest:rest")
    expect(split).toMatchObject({ exitCode: 0, stderr: "" })
    expect(split.stdout).toContain(": two, first (1 file)\n")
    expect(split.stdout).toContain("removed: patch/020-two (was ")
    expect(await git("branch", "--list", "patch/*", "--format=%(refname:short)")).toBe(
      "patch/010-one\npatch/020-src\npatch/021-rest"
    )
    const again = await patch("split", "020-src", "--commits", "--json")
    expect(errorOf(again)).toMatchObject({ code: "EditRefused", reason: "nothing-to-do" })
  })

  test("says what it would do, and what a wrong command line lacks", async () => {
    const { folder, patch, refs } = await makeFork()
    await using _ = folder
    const before = await refs()
    const dry = JSON.parse((await patch("split", "020-two", "--commits", "--dry-run", "--json")).stdout)
    expect(dry).toMatchObject({
      dryRun: true,
      parts: [
        { patch: "patch/020-two-1", subjects: ["two, first"] },
        { patch: "patch/020-two-2", subjects: ["two, second"] }
      ]
    })
    expect((await patch("split", "020-two")).exitCode).toBe(2)
    expect((await patch("split", "020-two", "--commits", "--into", "a:b")).exitCode).toBe(2)
    expect(await refs()).toBe(before)
  })
})

describe("patch reorder and patch drop", () => {
  test("move a patch by its number, and take one out", async () => {
    const { folder, git, patch } = await makeFork()
    await using _ = folder
    const reordered = await patch("reorder", "020-two", "--before", "010-one")
    expect(reordered.stdout).toStartWith(
      "renamed patch/020-two: patch/005-two\norder: patch/005-two, patch/010-one\n"
    )
    expect((await patch("reorder", "005-two", "--before", "010-one")).stdout).toBe(
      "skipped: it is there already\n"
    )
    expect((await patch("reorder", "005-two")).exitCode).toBe(2)
    const tip = await git("rev-parse", "patch/005-two")
    const dropped = await patch("drop", "005-two", "--reason", "upstream has it")
    expect(dropped.stdout).toBe(
      [
        `dropped patch/005-two ${tip.slice(0, 12)}`,
        `removed: patch/005-two (was ${tip.slice(0, 12)})`,
        `kept: refs/patchmoi/dropped/patch/005-two/${tip}`,
        `undo: git update-ref refs/heads/patch/005-two ${tip}`,
        ""
      ].join("\n")
    )
    expect(errorOf(await patch("drop", "005-two", "--json"))).toMatchObject({ code: "PatchNotFound" })
  })
})

describe("patch show and patch cost", () => {
  test("show the contract, the files and the diff", async () => {
    const { folder, patch } = await makeFork()
    await using _ = folder
    const shown = await patch("show", "010-one")
    expect(shown).toMatchObject({ exitCode: 0, stderr: "" })
    for (const part of [
      "patch\tpatch/010-one\n",
      "purpose\tsay one\n",
      "drop when\tcontains:b.txt (not yet: upstream's tree has no b.txt yet)\n",
      "scope\ta.txt\n",
      "\t2023-11-14\tAda Author <ada@example.com>\tone\n",
      "modified\t1\t1\ta.txt\n",
      "-one\n+ONE\n"
    ]) {
      expect(shown.stdout).toContain(part)
    }
    expect((await patch("show", "010-one", "--no-diff")).stdout).not.toContain("+ONE")
    expect(JSON.parse((await patch("show", "patch/010-one", "--json")).stdout)).toMatchObject({
      contract: { purpose: "say one" },
      dropWhen: { reached: false },
      diffTruncated: false
    })
  })

  test("tell what patches cost, in the order that is asked for", async () => {
    const { folder, patch } = await makeFork()
    await using _ = folder
    const { stdout } = await patch("cost", "--sort", "churn")
    expect(stdout.split("\n").map((line) => line.split("\t").toSpliced(1, 1))).toEqual([
      ["patch/010-one", "1", "1", "1", "1", "0", "0"],
      ["patch/020-two", "2", "0", "2", "2", "0", "0"],
      [""]
    ])
    const { patches } = JSON.parse((await patch("cost", "--json")).stdout)
    expect(patches[0].ageDays).toBeGreaterThan(1000)
    expect((await patch("cost", "--sort", "weight")).exitCode).toBe(2)
  })

  test("a stale scope fails doctor", async () => {
    const { folder, git, patch } = await makeFork()
    await using _ = folder
    expect((await patch("doctor")).exitCode).toBe(0)
    await git("branch", "patch/030-stale", "patch/010-one")
    const tree = await git("rev-parse", "patch/010-one^{tree}")
    const message = "stale\n\nPatchmoi-Scope: lib/**"
    const tip = await git("commit-tree", "-p", "v1", "-m", message, tree)
    await git("update-ref", "refs/heads/patch/030-stale", tip)
    const failed = await patch("doctor")
    expect(failed.exitCode).toBe(1)
    expect(failed.stdout).toContain('- patch/030-stale: the scope "lib/**" meets no path')
    expect(failed.stdout).toContain("- patch/030-stale changes a.txt outside its scope")
    const { issues } = JSON.parse((await patch("doctor", "--json")).stdout)
    expect(issues.map(({ code }: { code: string }) => code)).toEqual(["stale-scope", "outside-scope"])
  })
})

test("the program itself: a capture from the shell", async () => {
  const { folder, git } = await makeFork()
  await using _ = folder
  const bin = join(import.meta.dir, "../../src/bin.ts")
  const child = Bun.spawn(
    [process.execPath, bin, "patch", "capture", "030-login", "--from", "feature/login"],
    {
      cwd: folder.path,
      env: { ...env, HOME: folder.path },
      stdout: "pipe",
      stderr: "pipe"
    }
  )
  const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  expect({ code: child.exitCode, stderr }).toEqual({ code: 0, stderr: "" })
  expect(stdout).toStartWith("captured patch/030-login: patch: login (1 file)\n")
  expect(await git("log", "-1", "--format=%s", "patch/030-login")).toBe("patch: login")
})
