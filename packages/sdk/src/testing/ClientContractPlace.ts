/** The workspace of the client contract: flows with real steps, and what its tests ask of them. */
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { FlowCalls } from "../client/FlowCalls.ts"

/** A client, and what was started for it. */
export interface OpenedClient extends AsyncDisposable {
  readonly client: FlowCalls
  /** Takes what has ended out of the record, as `patchmoi log compact --before 0s`. Absent: this store cannot. */
  readonly compact?: () => Promise<unknown>
}

/** What a test of the contract asks of the engine. */
export interface OpenClientOptions {
  /** How many runs may wait. A client behind HTTP then tries a request that was refused for it once more at most. */
  readonly queueMax?: number
}

/** Opens a client whose engine finds the flows of this workspace. */
export type OpenClient = (workspaceRoot: string, options?: OpenClientOptions) => Promise<OpenedClient>

/** How long a condition of the contract may take to come true, in milliseconds. */
const deadlineMillis = 20_000

/** How long to wait before a condition is looked at again, in milliseconds. */
const lookAgainMillis = 5

/** A client on a fresh workspace; both are gone at the end of the scope. */
export const openPlace = async (open: OpenClient, options?: OpenClientOptions) => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "client-contract-")))
  for (const [path, text] of Object.entries(flows)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  const opened = await open(root, options)
  return {
    root,
    client: opened.client,
    compact: opened.compact,
    [Symbol.asyncDispose]: async () => {
      await opened[Symbol.asyncDispose]()
      await rm(root, { recursive: true, force: true })
    }
  }
}

/** An event whose only run prints the payload as its result, after a line of other output. */
export const echoEvent = (id: string, payload: object = { status: "completed" }) => ({
  id,
  type: "demo.echo",
  payload
})

/** An event whose only run says in a file that it started, and ends with `changed` once the gate is open. */
export const gateEvent = (id: string, root: string) => ({
  id,
  type: "demo.gate",
  payload: { started: join(root, `${id}.started`), gate: join(root, `${id}.gate`) }
})

/** Returns once the step of a gate event runs. */
export const started = (root: string, id: string): Promise<true> =>
  eventually(`the step of ${id} runs`, () => Bun.file(join(root, `${id}.started`)).exists())

/** Lets the step of a gate event end. */
export const openGate = (root: string, id: string): Promise<void> => writeFile(join(root, `${id}.gate`), "")

/** Looks until the condition gives something; throws after {@link deadlineMillis}. */
export const eventually = async <A>(
  what: string,
  condition: () => Promise<A | undefined | false> | A | undefined | false
): Promise<A> => {
  const end = performance.now() + deadlineMillis
  while (performance.now() < end) {
    const value = await condition()
    if (value !== undefined && value !== false) return value
    await Bun.sleep(lookAgainMillis)
  }
  throw new Error(`not within ${deadlineMillis} ms: ${what}`)
}

/** What a promise rejects with; throws when it does not. */
export const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error })
  )
  if ("error" in settled) return settled.error
  throw new Error(`expected a rejection, got ${JSON.stringify(settled.value)}`)
}

// --- internal ---

const manifest = (name: string, trigger = `type = "demo.${name}"`): string => `name = "${name}"
version = 1

[[steps]]
name = "go"
runner = "bun"
script = "go.ts"

[steps.trigger]
${trigger}
`

/** Event type `demo.<flow>` starts the flow of this name. */
const flows: Readonly<Record<string, string>> = {
  "flows/echo/flow.toml": manifest("echo"),
  "flows/echo/go.ts": `
const { flow } = await Bun.stdin.json()
console.log("working on " + flow.event.id)
console.error("and complaining")
console.log("FLOW_RESULT " + JSON.stringify(flow.event.payload))
`,
  "flows/gate/flow.toml": manifest("gate"),
  "flows/gate/go.ts": `
const { flow } = await Bun.stdin.json()
await Bun.write(flow.event.payload.started, String(process.pid))
while (!(await Bun.file(flow.event.payload.gate).exists())) await Bun.sleep(5)
console.log('FLOW_RESULT {"status":"changed"}')
`,
  "flows/flood/flow.toml": manifest("flood"),
  "flows/flood/go.ts": `
for (let line = 1; line <= 2000; line++) console.log("line " + line + " " + "x".repeat(40))
console.log('FLOW_RESULT {"status":"completed"}')
`,
  "flows/ask/flow.toml": manifest("ask"),
  "flows/ask/go.ts": `
const { runtime } = await Bun.stdin.json()
const { approval } = runtime
const artifacts = { approval: { prompt: "Ship it?", choices: ["ship", "hold"] } }
const result = approval === undefined
  ? { status: "blocked", artifacts }
  : { status: "changed", message: JSON.stringify([approval.decision, approval.choice ?? null, approval.comment]) }
console.log("FLOW_RESULT " + JSON.stringify(result))
`,
  "flows/strict/flow.toml": manifest("strict", 'type = "demo.strict"\nschema = "payload.json"'),
  "flows/strict/payload.json": '{"type":"object","required":["tag"]}',
  "flows/strict/go.ts": "",
  "flows/broken/flow.toml": 'name = "broken"\n[[steps]]\nname = 3\n'
}
