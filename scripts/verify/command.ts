/** Runs one command to its end and keeps what it printed. */

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Both streams, standard output first. */
  readonly output: string
}

/**
 * Never rejects for an exit code; rejects when the program cannot be started. Standard input is closed.
 *
 * A command that is not done in time is killed with everything that it started; its exit code is then 137, and what it
 * had printed, with a last line that says so, is the output.
 */
export const runCommand = async (
  command: ReadonlyArray<string>,
  options: {
    readonly cwd: string
    readonly env?: Readonly<Record<string, string>>
    /** Default: 5 minutes. */
    readonly timeoutMillis?: number
  }
): Promise<CommandResult> => {
  const { timeoutMillis = 5 * 60_000 } = options
  const child = Bun.spawn([...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    // A group of its own: a child of a killed child would otherwise live on, and hold the pipes open.
    detached: true
  })
  let note = ""
  const timer = setTimeout(() => {
    note = `\n${command.join(" ")} was killed: it was not done after ${timeoutMillis / 1000} s`
    killGroup(child.pid)
  }, timeoutMillis)
  // Ctrl-C reaches this process only, the command being in a group of its own.
  const stopped = (signal: NodeJS.Signals): void => {
    killGroup(child.pid)
    process.exit(signal === "SIGINT" ? 130 : 143)
  }
  process.once("SIGINT", stopped).once("SIGTERM", stopped)
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  clearTimeout(timer)
  process.off("SIGINT", stopped).off("SIGTERM", stopped)
  return { exitCode, stdout, stderr, output: `${stdout}${stderr}`.trimEnd() + note }
}

/** A program that a package of this workspace brings, by its path: `node_modules/.bin` need not be on PATH. */
export const localProgram = (root: string, name: string): string => `${root}/node_modules/.bin/${name}`

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, "SIGKILL")
  } catch {
    // The group has ended by itself in the meantime.
  }
}
