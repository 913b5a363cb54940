/**
 * A real `patchmoi serve` as a process of its own, with a folder for its workspace and its record: for the benchmarks of
 * the server and for the service tests. Nothing of the caller's environment reaches it but `PATH`.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"

/** How long a server may take to listen, and to end after it was asked to, in milliseconds. */
const startMillisMax = 30_000
const endMillisMax = 30_000

/** The command line from source: what a checkout runs. */
export const sourceProgram: ReadonlyArray<string> = [
  process.execPath,
  join(import.meta.dir, "../../packages/sdk/src/bin.ts")
]

/** The packaged command line, as `bun run build` writes it. */
export const packagedProgram: ReadonlyArray<string> = [
  join(import.meta.dir, "../../packages/sdk/dist/patchmoi")
]

export interface BackendOptions {
  /** The workspace: where `flows` are. */
  readonly workspace: string
  readonly dataDir: string
  /** Default: 0, any that is free. */
  readonly port?: number
  /** Default: none. */
  readonly secret?: string
  /** Default: what the server takes. */
  readonly concurrency?: number
  /** Default: {@link sourceProgram}. */
  readonly program?: ReadonlyArray<string>
}

export interface Backend {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** What it has printed so far. */
  readonly log: () => string
  /** The resident memory of the process now, in bytes. */
  readonly residentBytes: () => number
  /** Ends it as a crash would; returns when it is gone. */
  readonly kill: () => Promise<void>
  /** Asks it to stop; gives its exit code. */
  readonly stop: () => Promise<number>
}

/** Starts a server and waits until it says where it listens. */
export const startBackend = async (options: BackendOptions): Promise<Backend> => {
  const { workspace, dataDir, port = 0, secret, concurrency, program = sourceProgram } = options
  const places = ["--cwd", workspace, "--data-dir", dataDir, "--port", String(port)]
  const slots = concurrency === undefined ? [] : ["--concurrency", String(concurrency)]
  const child = Bun.spawn([...program, "serve", "--store", "sqlite", ...places, ...slots], {
    cwd: workspace,
    env: {
      PATH: process.env["PATH"] ?? "",
      NO_COLOR: "1",
      ...(secret === undefined ? {} : { CODEX_FLOW_BACKEND_SECRET: secret })
    },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  const printed = { text: "" }
  void collect(child.stdout, printed)
  void collect(child.stderr, printed)
  const listening = await until("the server listens", startMillisMax, () => {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`The server ended before it listened:\n${printed.text}`)
    }
    return /http:\/\/[\w.]+:(\d+)/.exec(printed.text) ?? undefined
  }).catch((error: unknown) => {
    child.kill("SIGKILL")
    throw error
  })
  return {
    url: listening[0],
    port: Number(listening[1]),
    pid: child.pid,
    log: () => printed.text,
    residentBytes: () => residentBytesOf(child.pid),
    kill: async () => {
      child.kill("SIGKILL")
      await child.exited
    },
    stop: async () => {
      child.kill("SIGTERM")
      const late = setTimeout(() => child.kill("SIGKILL"), endMillisMax)
      const code = await child.exited
      clearTimeout(late)
      return code
    }
  }
}

/** Looks until the condition gives something; throws when it does not in time. */
export const until = async <A>(
  what: string,
  millisMax: number,
  condition: () => Promise<A | undefined> | A | undefined,
  pauseMillis = 2
): Promise<A> => {
  const end = performance.now() + millisMax
  while (true) {
    const found = await condition()
    if (found !== undefined) return found
    if (performance.now() > end) throw new Error(`Not within ${millisMax} ms: ${what}`)
    await Bun.sleep(pauseMillis)
  }
}

/** The resident memory of a process, in bytes; from `/proc`, so only where there is one. */
export const residentBytesOf = (pid: number): number => {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1]
  if (kibibytes === undefined) throw new Error(`/proc/${pid}/status names no VmRSS`)
  return Number(kibibytes) * 1_024
}

// --- internal ---

/** Characters of what the server prints that are kept. */
const printedCharsMax = 65_536

const collect = async (stream: ReadableStream<Uint8Array>, into: { text: string }): Promise<void> => {
  const decoder = new TextDecoder()
  for await (const bytes of stream) {
    into.text = (into.text + decoder.decode(bytes, { stream: true })).slice(-printedCharsMax)
  }
}
