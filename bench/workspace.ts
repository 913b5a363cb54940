/** A workspace with one trivial raw step, and the processes that benchmarks compare with. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** The type of the event that starts the step. */
export const eventType = "bench.wanted"

const manifest = `name = "bench"
version = 1
[[steps]]
name = "step"
runner = "bun"
script = "step.ts"
[steps.trigger]
type = "${eventType}"
`

const script = `const { flow } = JSON.parse(await Bun.stdin.text())
console.log("FLOW_RESULT " + JSON.stringify({ status: "completed", message: flow.event.id }))
`

export interface Workspace extends AsyncDisposable {
  readonly directory: string
  /** The step's script, to run it bare. */
  readonly script: string
  /** What the script reads. */
  readonly stdin: string
  /** A file with an event that starts the step. */
  readonly eventFile: string
  /** A program that does nothing. */
  readonly empty: string
}

/** Makes the workspace in a temporary folder. */
export const makeWorkspace = async (): Promise<Workspace> => {
  const directory = await mkdtemp(join(tmpdir(), "patchmoi-bench-"))
  const root = join(directory, "flows", "bench")
  await mkdir(root, { recursive: true })
  const event = { id: "bench", type: eventType, payload: { note: "n".repeat(200) } }
  const files = {
    [join(root, "flow.toml")]: manifest,
    [join(root, "step.ts")]: script,
    [join(directory, "event.json")]: JSON.stringify(event),
    [join(directory, "empty.ts")]: ""
  }
  for (const [path, text] of Object.entries(files)) await writeFile(path, text)
  return {
    directory,
    script: join(root, "step.ts"),
    stdin: JSON.stringify({ flow: { event } }),
    eventFile: join(directory, "event.json"),
    empty: join(directory, "empty.ts"),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true })
  }
}

/** Runs a program to its end, with its output read and thrown away. A non-zero exit ends the benchmark. */
export const runProgram = async (
  command: ReadonlyArray<string>,
  options: { readonly stdin?: string; readonly cwd?: string } = {}
): Promise<void> => {
  const child = Bun.spawn([...command], {
    stdin: options.stdin === undefined ? "ignore" : new Blob([options.stdin]),
    stdout: "pipe",
    stderr: "pipe",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd })
  })
  const [, errors, code] = await Promise.all([
    new Response(child.stdout).bytes(),
    new Response(child.stderr).text(),
    child.exited
  ])
  if (code !== 0) throw new Error(`${command.join(" ")} exited with ${code}: ${errors}`)
}
