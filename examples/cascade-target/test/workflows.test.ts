/**
 * The workflow files are YAML that a forge would take, and their steps do what they say: the shell of the resolve step and
 * of the build is run here, with the real command line, as a runner would run it.
 */
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { YAML } from "bun"

// Fresh processes, on a machine that may be busy.
setDefaultTimeout(60_000)

const target = join(import.meta.dir, "..")
const bin = join(target, "..", "..", "packages", "sdk", "src", "bin.ts")
const forges = ["github", "gitea", "forgejo"] as const

interface Step {
  readonly name?: string
  readonly uses?: string
  readonly run?: string
  readonly env?: Readonly<Record<string, string>>
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>
  readonly jobs: { readonly build: { readonly "runs-on": string; readonly steps: ReadonlyArray<Step> } }
}

const read = async (forge: string): Promise<Workflow> => {
  const text = await readFile(join(target, `.${forge}`, "workflows", "runtime.yml"), "utf8")
  return YAML.parse(text) as Workflow
}

/** The shell of the step that finds the version to build with. */
const stepOf = (workflow: Workflow): string => {
  const name = "Resolve the version"
  const step = workflow.jobs.build.steps.find((each) => each.name === name)
  if (step?.run === undefined) throw new Error(`no step ${name}`)
  return step.run
}

/** Runs a step's shell as a runner does: `patchmoi` on the path, the output file, the event. */
const runStep = async (
  shell: string,
  options: { readonly file?: string; readonly event?: unknown; readonly input?: string }
) => {
  const folder = await mkdtemp(join(tmpdir(), "patchmoi-target-"))
  try {
    await writeFile(join(folder, "patchmoi"), `#!/bin/sh\nexec "${process.execPath}" "${bin}" "$@"\n`, {
      mode: 0o755
    })
    if (options.file !== undefined) await writeFile(join(folder, ".runtime-version"), options.file)
    const output = join(folder, "output")
    const event = join(folder, "event.json")
    await writeFile(output, "")
    if (options.event !== undefined) await writeFile(event, JSON.stringify(options.event))
    const child = Bun.spawn(["sh", "-c", shell], {
      cwd: folder,
      env: {
        PATH: `${folder}:${process.env["PATH"]}`,
        HOME: folder,
        GITHUB_OUTPUT: output,
        ...(options.event === undefined ? {} : { GITHUB_EVENT_PATH: event }),
        INPUT_VERSION: options.input ?? ""
      },
      stdout: "pipe",
      stderr: "pipe"
    })
    const exitCode = await child.exited
    return {
      exitCode,
      output: await readFile(output, "utf8"),
      stderr: await new Response(child.stderr).text()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

describe.each(forges)("the workflow for %s", (forge) => {
  test("runs on push, and takes what else its forge can start it by", async () => {
    const { jobs, on } = await read(forge)
    expect(on["push"]).toMatchObject({ paths: expect.arrayContaining([".runtime-version"]) })
    expect(Object.keys(on)).toEqual(
      {
        github: ["push", "repository_dispatch", "workflow_dispatch"],
        gitea: ["push"],
        forgejo: ["push", "workflow_dispatch"]
      }[forge]
    )
    expect(jobs.build.steps[0]?.uses).toBe("actions/checkout@v4")
  })

  test("builds with the version in the file", async () => {
    const shell = stepOf(await read(forge))
    const done = await runStep(shell, { file: "1.4.2\n", event: { ref: "refs/heads/main" } })
    expect(done).toMatchObject({ exitCode: 0, output: "version=1.4.2\n" })
  })
})

test("a dispatch wins over an input, an input over the file; nothing leaves the build its default", async () => {
  const shell = stepOf(await read("github"))
  const dispatch = { client_payload: { version: "3.0.0" } }
  expect(await runStep(shell, { file: "1.0.0\n", event: dispatch, input: "2.0.0" })).toMatchObject({
    output: "version=3.0.0\n"
  })
  expect(await runStep(shell, { file: "1.0.0\n", input: "2.0.0" })).toMatchObject({
    output: "version=2.0.0\n"
  })
  expect(await runStep(shell, {})).toMatchObject({ exitCode: 0, output: "version=\n" })
  const build = Bun.spawnSync(["sh", join(target, "build.sh"), ""], { stdout: "pipe" })
  expect(build.stdout.toString()).toBe("built with runtime 0.9.0\n")
})

test("a value that is no version ends the build", async () => {
  const shell = stepOf(await read("forgejo"))
  const done = await runStep(shell, { file: "1.0.0\n", event: { inputs: { version: "1; id" } } })
  expect(done.exitCode).not.toBe(0)
  expect(done.output).toBe("")
  expect(done.stderr).toContain("is not a usable version")
})
