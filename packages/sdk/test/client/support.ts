/** A workspace with real steps, and clients on it, for the tests of the client. */
import { join } from "node:path"
import type { ClientState } from "../../src/client/FlowClientOptions.ts"
import { makeWorkspace, manifestText, type Workspace } from "../flow/workspace.ts"

/** The states of a client that remember. */
export const rememberingStates = ["memory", "file"] as const

export const stateOf = (kind: (typeof rememberingStates)[number], workspace: Workspace): ClientState =>
  kind === "memory" ? "memory" : { kind: "file", dataDir: join(workspace.root, "data") }

const trigger = (type: string): string => `[steps.trigger]\ntype = "${type}"\n`

/** The two files of a flow with one raw step that events of this type start. `step` goes into its table as it is. */
export const flowFiles = (
  name: string,
  type: string,
  script: string,
  step = ""
): Readonly<Record<string, string>> => ({
  [`flows/${name}/flow.toml`]: manifestText(name, step, trigger(type)),
  [`flows/${name}/go.ts`]: script
})

/** Prints the payload of its event as its result, after a line of other output. */
export const echoScript = `
const { flow } = await Bun.stdin.json()
console.log("working on " + flow.event.id)
console.log("FLOW_RESULT " + JSON.stringify(flow.event.payload))
`

/** Writes its process id to the file `PID_FILE` and never ends. */
export const endlessScript = `
await Bun.write(process.env.PID_FILE, String(process.pid))
setInterval(() => {}, 1000)
`

/** The same, and ignores SIGTERM. */
export const stubbornScript = `process.on("SIGTERM", () => {})\n${endlessScript}`

/** A workspace with the flow \`echo\` for events \`demo.echo\`, and what is given besides. */
export const makeEchoWorkspace = (files: Readonly<Record<string, string>> = {}): Promise<Workspace> =>
  makeWorkspace({ ...flowFiles("echo", "demo.echo", echoScript), ...files })

/** Whether a process of this number runs (one that ended and waits for its parent does not). */
export const isAlive = async (pid: number): Promise<boolean> => {
  const stat = await Bun.file(`/proc/${pid}/stat`)
    .text()
    .catch(() => undefined)
  return stat !== undefined && !/\) [ZX] /.test(stat)
}

/** The process id in a file; undefined while there is none. */
export const readPid = async (file: string): Promise<number | undefined> => {
  const text = await Bun.file(file)
    .text()
    .catch(() => "")
  return text === "" ? undefined : Number(text)
}
