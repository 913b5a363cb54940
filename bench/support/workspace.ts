/** The workspace that a server is measured and tested with: flows whose steps are tiny real programs. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** The secret of the benchmarks. */
export const benchSecret = "a-secret-for-benchmarks"

/** The types of event that the flows of {@link makeWorkspace} take; any other matches nothing. */
export const eventTypes = {
  /** One run, which ends at once. */
  trivial: "bench.trivial",
  /** One run, which lasts until the file `payload.gate` exists. */
  gate: "bench.gate",
  /** One run, which appends the event's id as a line to the file `payload.file`. */
  append: "bench.append"
} as const

/** A new folder for a run of a benchmark. `BENCH_DIRECTORY` names another disk, as the temporary folder may be in memory. */
export const makeFolder = (name: string): string =>
  mkdtempSync(join(process.env["BENCH_DIRECTORY"] ?? tmpdir(), `${name}-`))

/** Writes the flows into a folder that it makes. */
export const makeWorkspace = (folder: string): void => {
  for (const [name, type] of Object.entries(eventTypes)) {
    write(join(folder, "flows", name, "flow.toml"), manifestOf(name, type))
    write(join(folder, "flows", name, "step.ts"), steps[name as keyof typeof steps])
  }
}

/** The script of the trivial step: what a bare spawn loop runs as well. */
export const trivialStep = (folder: string): string => join(folder, "flows/trivial/step.ts")

// --- internal ---

// An attempt that was lost is tried often and soon: a kill may hit the same run again.
const manifestOf = (name: string, type: string): string => `name = "${name}"
version = 1

[[steps]]
name = "step"
runner = "bun"
script = "step.ts"

[steps.trigger]
type = "${type}"

[steps.retry]
max_attempts = 20
backoff_ms = 100
on = ["lost"]
`

const steps = {
  trivial: `const { flow } = await Bun.stdin.json()
console.log('FLOW_RESULT ' + JSON.stringify({ status: "completed", message: flow.event.id }))
`,
  gate: `const { flow } = await Bun.stdin.json()
while (!(await Bun.file(flow.event.payload.gate).exists())) await Bun.sleep(2)
console.log('FLOW_RESULT {"status":"completed"}')
`,
  append: `import { closeSync, openSync, writeSync } from "node:fs"
const { flow } = await Bun.stdin.json()
const file = openSync(flow.event.payload.file, "a")
writeSync(file, flow.event.id + "\\n")
closeSync(file)
console.log('FLOW_RESULT {"status":"completed"}')
`
}

const write = (path: string, text: string): void => {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
