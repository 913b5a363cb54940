import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFile } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { EffectiveStatus, ProcessStatus } from "@patchmoi/core/flow/FlowResult"
import { MaintenanceStatus } from "@patchmoi/core/maintenance/MaintenanceDocument"
import { pageSizeMax } from "@patchmoi/core/store/Store"
import manifest from "../../package.json" with { type: "json" }
import { attemptStatuses, pageLimitMax, runStatuses } from "../../src/cli/options.ts"
import { call, errorOf, makeFolder } from "./support.ts"

let folder: Awaited<ReturnType<typeof makeFolder>>
beforeAll(async () => {
  folder = await makeFolder()
})
afterAll(() => folder[Symbol.asyncDispose]())

const calling = (...argv: ReadonlyArray<string>) => call(argv, { cwd: folder.path })

describe("usage errors: exit code 2, one line and a hint, nothing on standard output", () => {
  const cases: ReadonlyArray<readonly [argv: string, line: string, hint: string]> = [
    ["flwo list", "error: Unknown command: flwo; did you mean flow?", "patchmoi --help"],
    ["flow lsit", "error: Unknown command: lsit; did you mean list?", "patchmoi flow --help"],
    ["flow list --jsno", "error: Unknown option: --jsno; did you mean --json?", "patchmoi flow list --help"],
    ["flow list -x", "error: Unknown option: -x", "patchmoi flow list --help"],
    ["flow list more", "error: Unexpected argument: more", "patchmoi flow list --help"],
    ["flow fire", "error: missing --event <value>", "patchmoi flow fire --help"],
    ["flow fire --event", "error: --event requires a value", "patchmoi flow fire --help"],
    ["flow fire --event=", "error: --event requires a value", "patchmoi flow fire --help"],
    ["flow run a --event e", "error: missing <step>", "patchmoi flow run --help"],
    ["event show", "error: missing <event>", "patchmoi event show --help"],
    [
      "run list --limit 0",
      'error: --limit must be a whole number from 1 to 500; found "0"',
      "patchmoi run list --help"
    ],
    ["run list --limit 1 --limit 2", "error: --limit is given twice", "patchmoi run list --help"],
    [
      "attempt list --status bloked",
      `error: --status must be one of ${attemptStatuses.join(", ")}; found "bloked"; did you mean blocked?`,
      "patchmoi attempt list --help"
    ],
    ["watch", "error: missing --sources <file>, or FEED_SOURCES_PATH", "patchmoi watch --help"],
    [
      "completions tcsh",
      'error: <shell> must be one of bash, zsh, fish; found "tcsh"',
      "patchmoi completions --help"
    ]
  ]
  for (const [argv, line, hint] of cases) {
    test(`patchmoi ${argv}`, async () => {
      const called = await calling(...argv.split(" "))
      expect(called).toEqual({ exitCode: 2, stdout: "", stderr: `${line}\nTry: ${hint}\n` })
    })
  }

  test("a --cwd that is no folder is told with its absolute path", async () => {
    const called = await calling("flow", "list", "--cwd", "nowhere")
    expect(called.exitCode).toBe(2)
    expect(called.stderr).toContain(`--cwd must be a folder; ${folder.path}/nowhere is none`)
    const below = await calling("flow", "list", "--cwd", `${import.meta.path}/below`)
    expect(below.exitCode).toBe(2)
    expect(below.stderr).toContain(`--cwd must be a folder; ${import.meta.path}/below is none`)
  })

  test("with --json the error is one object", async () => {
    const called = await calling("run", "list", "--json", "--status", "x")
    expect(called.exitCode).toBe(2)
    expect(errorOf(called)).toMatchObject({
      code: "UsageError",
      option: "--status",
      found: "x",
      values: [...runStatuses]
    })
  })

  test("a --json behind -- is an argument", async () => {
    const called = await calling("flow", "lsit", "--", "--json")
    expect(called.stderr).toStartWith("error: ")
  })
})

describe("help and version", () => {
  test("every noun and verb has help, on standard output", async () => {
    const root = await calling("--help")
    expect(root.exitCode).toBe(0)
    for (const noun of ["flow", "watch", "event", "run", "attempt", "patch", "log", "completions"]) {
      expect(root.stdout).toContain(noun)
      const help = await calling(noun, "--help")
      expect(help).toMatchObject({ exitCode: 0, stderr: "" })
      expect(help.stdout).toStartWith("USAGE")
    }
  })

  test("--version is the version of the package", async () => {
    expect(await calling("--version")).toEqual({
      exitCode: 0,
      stdout: `${manifest.version}\n`,
      stderr: ""
    })
  })

  test("help is coloured on a terminal, and not with NO_COLOR", async () => {
    const options = { cwd: folder.path, terminal: true }
    expect((await call(["--help"], options)).stdout).toContain("\u001b[")
    expect((await call(["--help"], { ...options, env: { NO_COLOR: "1" } })).stdout).not.toContain("\u001b[")
  })
})

test("options may stand before the command", async () => {
  await folder.write("below/flows/.keep", "")
  const called = await calling("flow", "--cwd", "below", "--json", "list")
  expect(called).toMatchObject({ exitCode: 0, stderr: "" })
  expect(JSON.parse(called.stdout)).toEqual({ flows: [], broken: [] })
})

test("--cwd beats CODEX_FLOW_BACKEND_CWD", async () => {
  await folder.write("other/flows/.keep", "")
  const env = { CODEX_FLOW_BACKEND_CWD: "missing" }
  expect((await call(["flow", "list"], { cwd: folder.path, env })).exitCode).toBe(2)
  expect((await call(["flow", "list", "--cwd", "other"], { cwd: folder.path, env })).exitCode).toBe(0)
})

test("the values of --status and --limit are those of the core", () => {
  const statuses = new Set<string>([...EffectiveStatus.literals, ...ProcessStatus.literals])
  expect(new Set<string>(runStatuses)).toEqual(statuses)
  expect(new Set<string>(attemptStatuses)).toEqual(new Set<string>(MaintenanceStatus.literals))
  expect(pageLimitMax).toBe(pageSizeMax)
})

test("what is loaded before a command runs, and by flow list, loads no Effect and no store", async () => {
  const loaded = async (entry: string): Promise<ReadonlySet<string>> => {
    const seen = new Set<string>()
    const visit = async (path: string): Promise<void> => {
      if (seen.has(path)) return
      seen.add(path)
      const text = (await readFile(path, "utf8")).replace(/^#!.*/, "")
      for (const { path: specifier, kind } of new Bun.Transpiler({ loader: "ts" }).scanImports(text)) {
        if (kind !== "import-statement") continue
        if (specifier.startsWith(".") && specifier.endsWith(".ts"))
          await visit(resolve(dirname(path), specifier))
        else seen.add(specifier)
        // A word list and nothing else: it imports nothing itself.
        seen.delete("@patchmoi/core/nearest")
      }
    }
    await visit(entry)
    return seen
  }
  const source = join(import.meta.dir, "../../src")
  for (const entry of ["bin.ts", "cli/flow/list.ts"]) {
    const modules = [...(await loaded(join(source, entry)))]
    expect(modules.length).toBeGreaterThan(5)
    expect(modules.filter((each) => /^(effect|@patchmoi)\b|compose\.ts$/.test(each))).toEqual([])
  }
})
