import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import { call, errorOf, makeFolder } from "./support.ts"

// Real git on a busy machine can take longer than the five seconds that bun:test allows.
setDefaultTimeout(60_000)

/** A fork with the patch `one` on v1, and an upstream that goes on from there. */
const makeFork = async () => {
  const folder = await makeFolder()
  let minutes = 0
  const git = async (...args: ReadonlyArray<string>): Promise<string> => {
    const date = `${1_700_000_000 + minutes * 60} +0000`
    const child = Bun.spawn(["git", ...args], {
      cwd: folder.path,
      env: {
        PATH: process.env["PATH"],
        ...isolatedEnvironment,
        GIT_AUTHOR_DATE: date,
        GIT_COMMITTER_DATE: date
      },
      stdout: "pipe",
      stderr: "pipe"
    })
    const [stdout, stderr] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
    if (child.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`)
    return stdout.trim()
  }
  const commit = async (message: string, name: string, text: string): Promise<void> => {
    minutes += 1
    await folder.write(name, text)
    await git("add", "--all")
    await git("commit", "--quiet", "-m", message)
  }
  await folder.write(".gitignore", "record/\n")
  await git("init", "--quiet", "--initial-branch=main", ".")
  await commit("base", "a.txt", "one\ntwo\nthree\n")
  await git("switch", "--quiet", "-c", "patch/one")
  await commit("ours", "a.txt", "one\nours\nthree\n")
  await git("switch", "--quiet", "main")
  await git("remote", "add", "origin", "https://forge.example/fork.git")
  await git("remote", "add", "upstream", "https://forge.example/upstream.git")
  /** What upstream does next, as if it had been fetched. */
  const upstream = async (name: string, text: string): Promise<void> => {
    await commit(`change ${name}`, name, text)
    await git("update-ref", "refs/remotes/upstream/main", "HEAD")
  }
  await upstream("b.txt", "b\n")
  const env = { PATH: process.env["PATH"], ...isolatedEnvironment }
  const patch = (...argv: ReadonlyArray<string>) => call(["patch", ...argv], { cwd: folder.path, env })
  return { folder, git, commit, upstream, patch }
}

describe("patch forecast", () => {
  test("without a record it says how each patch fares, and keeps nothing", async () => {
    const { folder, git, patch } = await makeFork()
    await using _ = folder
    const refs = await git("for-each-ref")
    const onto = (await git("rev-parse", "main")).slice(0, 12)
    expect(await patch("forecast")).toEqual({
      exitCode: 0,
      stdout: `onto: upstream/main ${onto}\nclean patch/one\n`,
      stderr: "There is no record, so nothing is kept and nothing to compare with\n"
    })
    expect(await git("for-each-ref")).toBe(refs)
  })

  test("a record that was named and is not there is an error", async () => {
    const { folder, patch } = await makeFork()
    await using _ = folder
    const called = await patch("forecast", "--data-dir", "record", "--json")
    expect(called.exitCode).toBe(1)
    expect(errorOf(called)).toMatchObject({ code: "NoRecord" })
  })

  test("a clean patch that turns bad wants attention once, and the history tells it until it is clean", async () => {
    const { folder, git, upstream, patch } = await makeFork()
    await using _ = folder
    await mkdir(join(folder.path, "record"))
    const inRecord = (...argv: ReadonlyArray<string>) => patch("forecast", "--data-dir", "record", ...argv)
    expect((await inRecord("--history")).stderr).toContain(
      "No forecast of forge.example/fork is recorded yet"
    )
    const first = JSON.parse((await inRecord("--json")).stdout)
    expect(first).toMatchObject({
      repository: "forge.example/fork",
      kept: true,
      turnedBad: [],
      patches: [{ patch: "patch/one", answer: "clean" }]
    })
    await upstream("a.txt", "one\ntheirs\nthree\n")
    const turned = await inRecord()
    expect(turned.exitCode).toBe(10)
    expect(turned.stdout).toMatch(/\nconflicts patch\/one \(was clean\): [0-9a-f]{12} conflicts in a\.txt\n$/)
    expect((await inRecord()).exitCode).toBe(0)
    const history = await inRecord("--history", "--json")
    expect(history.exitCode).toBe(10)
    expect(JSON.parse(history.stdout)).toMatchObject({
      turnedBad: ["patch/one"],
      stack: {
        patches: [
          {
            answers: [
              { answer: "conflicts", times: 1 },
              { answer: "clean", times: 1 }
            ]
          }
        ]
      }
    })
    expect((await inRecord("--history")).stdout).toContain("conflicts (was clean)\tupstream/main\t")
    // The patch is made to fit.
    await git("branch", "--force", "patch/one", "main")
    await git("switch", "--quiet", "patch/one")
    await folder.write("c.txt", "ours\n")
    await git("add", "c.txt")
    await git("commit", "--quiet", "-m", "ours, made to fit")
    await git("switch", "--quiet", "main")
    expect((await inRecord()).exitCode).toBe(0)
    expect((await inRecord("--history")).exitCode).toBe(0)
  })

  test("what landed is told with the evidence, and kept as a verdict", async () => {
    const { folder, git, patch } = await makeFork()
    await using _ = folder
    await mkdir(join(folder.path, "record"))
    await git("cherry-pick", "patch/one")
    await git("update-ref", "refs/remotes/upstream/main", "HEAD")
    const id = (await git("rev-parse", "HEAD")).slice(0, 12)
    const told = await patch("forecast", "--data-dir", "record")
    expect(told.stdout).toContain(`\nlanded patch/one: ${id} has the same change\n`)
    const { stack } = JSON.parse(
      (await patch("forecast", "--history", "--json", "--data-dir", "record")).stdout
    )
    expect(stack.patches).toMatchObject([
      { verdict: { verdict: "landed-identical", evidence: [{ kind: "patch-id" }] } }
    ])
  })
})

describe("patch diff", () => {
  test("each commit of two stacks, from where they leave upstream", async () => {
    const { folder, git, commit, upstream, patch } = await makeFork()
    await using _ = folder
    await git("branch", "old", "patch/one")
    await upstream("d.txt", "d\n")
    await git("switch", "--quiet", "-c", "new", "main")
    await commit("ours", "a.txt", "one\nours\nthree\n")
    await commit("added", "e.txt", "e\n")
    const short = async (revision: string) => (await git("rev-parse", revision)).slice(0, 12)
    const { exitCode, stdout } = await patch("diff", "old", "new")
    expect(exitCode).toBe(0)
    expect(stdout).toBe(
      `equal 1:${await short("old")} 1:${await short("new~1")} ours\nadded - 2:${await short("new")} added\n`
    )
    const json = JSON.parse((await patch("diff", "old", "new", "--onto-new", "new~1", "--json")).stdout)
    expect(json.rows.map(({ relation }: { relation: string }) => relation)).toEqual(["removed", "added"])
    expect(json.new).toEqual({ base: await git("rev-parse", "new~1"), tip: await git("rev-parse", "new") })
  })

  test("a revision that is not there, and a stack without upstream, say what to do", async () => {
    const { folder, git, patch } = await makeFork()
    await using _ = folder
    expect(errorOf(await patch("diff", "nope", "main", "--json"))).toMatchObject({ code: "RevisionNotFound" })
    expect(errorOf(await patch("diff", "main", "--upload-pack=x", "--json"))).toMatchObject({})
    await git("update-ref", "-d", "refs/remotes/upstream/main")
    const { stderr } = await patch("diff", "patch/one", "main")
    expect(stderr).toContain("--onto-old")
  })
})
