import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { isolated, makeDownstreams } from "../cascade/downstreams.ts"
import { call, errorOf } from "./support.ts"

const file = ".runtime-version"

test("plan, apply, status: a version on its way, twice, with the record of it", async () => {
  await using world = await makeDownstreams()
  const web = await world.add("web", { [file]: "1.0.0\n" })
  const api = await world.add("api", { [file]: "1.0.0\n" })
  const off = await world.add("off", { README: "nothing" })
  const { workspace } = world
  await writeFile(
    join(workspace, "cascade.toml"),
    `name = "runtime"\ntargets = ${JSON.stringify([web, api, off])}\n`
  )
  const patchmoi = (...argv: ReadonlyArray<string>) =>
    call(["cascade", ...argv], { cwd: workspace, env: isolated })

  const planned = await patchmoi("plan", "1.1.0")
  expect(planned).toMatchObject({ exitCode: 0, stderr: "" })
  expect(planned.stdout.split("\n")).toEqual([
    `write\t${web}\tpush\t1.0.0\tfrom 1.0.0`,
    `write\t${api}\tpush\t1.0.0\tfrom 1.0.0`,
    `not-active\t${off}\tpush\t\tit has neither the version file nor the marker`,
    ""
  ])
  expect(existsSync(join(workspace, ".codex"))).toBe(false)

  world.server.faultsOf.set("api.git", { declinePush: "no deploys today" })
  const first = await patchmoi("apply", "1.1.0")
  expect(first.exitCode).toBe(1)
  expect(first.stdout).toContain(`written\t${web}\t1.0.0\t${world.git("web", "rev-parse", "main")}\t1`)
  expect(first.stdout).toContain(`failed\t${api}`)
  expect(first.stdout).toContain("no deploys today")
  expect(first.stderr).toContain("runtime 1.1.0: 1 written, 1 not-active, 1 failed")

  world.server.faultsOf.clear()
  const before = world.server.log.length
  const second = await patchmoi("apply", "1.1.0", "--json")
  expect(second).toMatchObject({ exitCode: 0, stderr: "" })
  expect(JSON.parse(second.stdout)).toMatchObject({
    status: "completed",
    counts: { written: 1, "up-to-date": 1, "not-active": 1 }
  })
  const pushed = world.server.log.slice(before).filter(({ service }) => service === "git-receive-pack")
  expect(new Set(pushed.map(({ repository }) => repository))).toEqual(new Set(["api.git"]))
  expect(world.git("web", "rev-list", "--count", "main")).toBe("2")

  await world.person("web", { [file]: "1.0.5\n" })
  const pinned = await patchmoi("apply", "1.2.0", "--data-dir", join(workspace, ".codex/flow-client"))
  expect(pinned.exitCode).toBe(10)
  expect(pinned.stdout).toContain("pinned")

  const status = await patchmoi("status", "runtime")
  expect(status.exitCode).toBe(10)
  expect(status.stdout).toContain(`pinned\t${web}`)
  expect(status.stderr).toContain("runtime 1.2.0 needs_person: 1 written, 1 pinned, 1 not-active")
  const listed = (await patchmoi("status")).stdout.trimEnd().split("\n")
  expect(listed.map((line) => line.split("\t").slice(1, 4))).toEqual([
    ["runtime", "1.2.0", "needs_person"],
    ["runtime", "1.1.0", "completed"],
    ["runtime", "1.1.0", "failed"]
  ])
  expect(errorOf(await patchmoi("status", "other", "--json"))).toMatchObject({ code: "UnknownCascade" })
})

test("apply without its configuration says so, and makes no record", async () => {
  await using world = await makeDownstreams()
  const { workspace } = world
  const called = await call(["cascade", "apply", "1.0.0"], { cwd: workspace, env: isolated })
  expect(called).toEqual({
    exitCode: 1,
    stdout: "",
    stderr: `error: ${join(workspace, "cascade.toml")}: expected a readable file of at most 1048576 bytes, found no file\n`
  })
  expect(existsSync(join(workspace, ".codex"))).toBe(false)
})

test("doctor tells what would make a cascade fail or go unheard", async () => {
  await using world = await makeDownstreams()
  const workflow = "on:\n  push:\njobs:\n  b:\n    steps:\n      - run: cat .runtime-version\n"
  const deaf =
    "on: workflow_dispatch\njobs:\n  b:\n    steps:\n      - run: patchmoi cascade resolve-version\n"
  const good = await world.add("good", { [file]: "1.0.0\n", ".gitea/workflows/b.yml": workflow })
  const lie = await world.add("lie", {
    [file]: "1.0.0\n",
    ".gitea/workflows/b.yml": "on:\n  push:\n# reads .runtime-version one day\njobs: {}\n"
  })
  const manual = await world.add("manual", { [file]: "1.0.0\n", ".github/workflows/b.yaml": deaf })
  const out = await world.add("out", { ".gitea/workflows/b.yml": workflow })
  const config = join(world.workspace, "cascade.toml")
  const patchmoi = (...argv: ReadonlyArray<string>) =>
    call(["cascade", ...argv], { cwd: world.workspace, env: isolated })

  await writeFile(config, `name = "runtime"\ntargets = ${JSON.stringify([good])}\n`)
  expect(await patchmoi("doctor")).toMatchObject({
    exitCode: 0,
    stdout: `yes\t${good}\tmain\tyes\t.gitea/workflows/b.yml\nready: yes\n`
  })
  const gone = `${world.server.url}/gone.git`
  await writeFile(config, `name = "runtime"\ntargets = ${JSON.stringify([good, lie, manual, out, gone])}\n`)
  const sick = await patchmoi("doctor", "--json")
  expect(sick.exitCode).toBe(1)
  const found: { targets: ReadonlyArray<{ target: string; issues: ReadonlyArray<{ code: string }> }> } =
    JSON.parse(sick.stdout)
  expect(found.targets.map(({ issues, target }) => [target, issues.map(({ code }) => code)])).toEqual([
    [good, []],
    [lie, ["NoWorkflowReads"]],
    [manual, ["NotOnPush"]],
    [out, ["NotActive"]],
    [gone, ["RepositoryNotFound"]]
  ])
})

test("check compares with a list, and fails when they have drifted apart", async () => {
  await using world = await makeDownstreams()
  const { workspace } = world
  await writeFile(
    join(workspace, "cascade.toml"),
    'name = "x"\ntargets = ["https://git.example/acme/web.git", "acme/api"]\nconcurency = 3\n'
  )
  const env = { ...isolated, GITEA_URL: "https://forge.example" }
  const check = (input: string) =>
    call(["cascade", "check", "--against", "-"], { cwd: workspace, env, input })
  const same = await check("git@git.example:acme/web.git\nacme/api\n")
  expect(same).toMatchObject({ exitCode: 0, stdout: "" })
  expect(same.stderr).toContain('cascade.toml:3: concurency: expected "concurrency", found an unknown key')
  expect(await check("https://git.example/acme/web\nhttps://git.example/acme/new\n")).toMatchObject({
    exitCode: 1,
    stdout: "missing\tgit.example/acme/new\nextra\tforge.example/acme/api\n"
  })
  expect((await call(["cascade", "check", "--against", "none.txt"], { cwd: workspace, env })).exitCode).toBe(
    1
  )
})

test("resolve-version prints one version or nothing", async () => {
  await using world = await makeDownstreams()
  const { workspace } = world
  const resolve = (env: Record<string, string> = {}) =>
    call(["cascade", "resolve-version"], { cwd: workspace, env: { ...isolated, ...env } })
  expect(await resolve()).toEqual({ exitCode: 0, stdout: "", stderr: "" })
  await writeFile(join(workspace, file), "1.0.0\n")
  expect(await resolve()).toMatchObject({ exitCode: 0, stdout: "1.0.0\n" })
  expect(await resolve({ INPUT_VERSION: "2.0.0" })).toMatchObject({ stdout: "2.0.0\n" })
  expect(await resolve({ INPUT_VERSION: "--x" })).toMatchObject({ exitCode: 1, stdout: "" })
})

test("a wrong version is a wrong command line, and a wrong file is told with its lines", async () => {
  await using world = await makeDownstreams()
  const { workspace } = world
  await writeFile(join(workspace, "cascade.toml"), 'name = "x"\nconcurrency = 100\ntargets = []\n')
  const patchmoi = (...argv: ReadonlyArray<string>) =>
    call(["cascade", ...argv], { cwd: workspace, env: isolated })
  expect((await patchmoi("apply", "1.0.0 && id")).exitCode).toBe(2)
  const wrong = await patchmoi("apply", "1.0.0")
  expect(wrong.exitCode).toBe(1)
  expect(wrong.stderr).toContain(
    "cascade.toml:2: concurrency: expected a whole number from 1 to 64, found 100"
  )
})
