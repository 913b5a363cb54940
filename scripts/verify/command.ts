/** Runs one command to its end and keeps what it printed. */

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
  /** Both streams, standard output first. */
  readonly output: string
}

/** Never rejects for an exit code; rejects when the program cannot be started. Standard input is closed. */
export const runCommand = async (
  command: ReadonlyArray<string>,
  options: { readonly cwd: string; readonly env?: Readonly<Record<string, string>> }
): Promise<CommandResult> => {
  const child = Bun.spawn([...command], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  return { exitCode, stdout, stderr, output: `${stdout}${stderr}`.trimEnd() }
}

/** A program that a package of this workspace brings, by its path: `node_modules/.bin` need not be on PATH. */
export const localProgram = (root: string, name: string): string => `${root}/node_modules/.bin/${name}`
