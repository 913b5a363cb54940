/** A caller made for tests, and workspaces to call the command line in. */
import { mkdir, mkdtemp, realpath, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Caller, Interruption } from "../../src/cli/Caller.ts"
import { runCommandLine } from "../../src/cli/main.ts"

/** What a call left. */
export interface Called {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface CallOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly input?: string
  /** Whether both streams are a terminal. Default: no. */
  readonly terminal?: boolean
  readonly columns?: number
  /** Told each piece that is written to standard error; may interrupt. */
  readonly onError?: (text: string, interrupt: (signal: Interruption["signal"]) => void) => void
}

/** Calls the command line in this process. */
export const call = async (argv: ReadonlyArray<string>, options: CallOptions): Promise<Called> => {
  let stdout = ""
  let stderr = ""
  const controller = new AbortController()
  const interrupt = (signal: Interruption["signal"]): void => controller.abort({ signal })
  const caller: Caller = {
    env: { PATH: process.env["PATH"], HOME: options.cwd, ...options.env },
    cwd: options.cwd,
    readInput: async () => new TextEncoder().encode(options.input ?? ""),
    stdout: {
      isTerminal: options.terminal === true,
      write: (text) => {
        stdout += text
      }
    },
    stderr: {
      isTerminal: options.terminal === true,
      write: (text) => {
        stderr += text
        options.onError?.(text, interrupt)
      }
    },
    columns: options.columns,
    interruption: () => controller.signal,
    onKilled: () => undefined
  }
  const exitCode = await runCommandLine(caller, argv)
  return { exitCode, stdout, stderr }
}

/** The one error that was printed as JSON. */
export const errorOf = ({ stderr }: Called): Record<string, unknown> => {
  const { error }: { error: Record<string, unknown> } = JSON.parse(stderr)
  return error
}

/** A new folder, removed when it is disposed of. */
export const makeFolder = async (files: Readonly<Record<string, string>> = {}) => {
  const path = await realpath(await mkdtemp(join(tmpdir(), "patchmoi-cli-")))
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(join(path, name)), { recursive: true })
    await Bun.write(join(path, name), text)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  return {
    path,
    write,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true })
  }
}

/** A step: its name, the event that starts it, and its script. */
export interface StepText {
  readonly name: string
  readonly type?: string
  readonly script: string
}

/** The files of a flow of raw bun steps. */
export const flowFiles = (name: string, steps: ReadonlyArray<StepText>): Record<string, string> => ({
  [`flows/${name}/flow.toml`]: [
    `name = "${name}"`,
    "version = 1",
    ...steps.map(
      ({ name: step, type }) =>
        `[[steps]]\nname = "${step}"\nrunner = "bun"\nscript = "${step}.ts"\n${type === undefined ? "" : `[steps.trigger]\ntype = "${type}"\n`}`
    )
  ].join("\n"),
  ...Object.fromEntries(steps.map(({ name: step, script }) => [`flows/${name}/${step}.ts`, script]))
})

/** The script of a step that prints this result. */
export const says = (result: Readonly<Record<string, unknown>>): string =>
  `console.log('FLOW_RESULT ${JSON.stringify(result)}')\n`

/** An event file. */
export const eventText = (id: string, type: string, payload: unknown = {}): string =>
  JSON.stringify({ id, type, payload })
