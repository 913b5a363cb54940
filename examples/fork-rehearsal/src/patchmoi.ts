/** The command line, as an operator would use it: a process of its own for each command. */
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { gitEnvironment } from "@patchmoi/example-rehearsal/git"
import { insist, tell } from "@patchmoi/example-rehearsal/narrator"

/** What a command left. */
export interface Told {
  readonly exitCode: number
  readonly stdout: string
}

/** The exit code of a command that went well and leaves something for a person. */
export const needsAttention = 10

/** Runs `patchmoi` in a folder, shows the command, and insists on its exit code. */
export const patchmoi = async (
  cwd: string,
  args: ReadonlyArray<string>,
  options: {
    /** The exit code that it must have. (Default: 0.) */
    readonly exitCode?: number
    readonly env?: Readonly<Record<string, string>>
    /** Whether the command is not shown. (Default: no.) */
    readonly quiet?: boolean
  } = {}
): Promise<Told> => {
  const { env = {}, exitCode = 0, quiet = false } = options
  if (!quiet) tell(`$ patchmoi ${args.map(quoted).join(" ")}`)
  const child = Bun.spawn([process.execPath, program, ...args], {
    cwd,
    env: { ...process.env, ...gitEnvironment, NO_COLOR: "1", ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe"
  })
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  insist(
    code === exitCode,
    `patchmoi ${args[0]} ${args[1]} ended with ${code}, not ${exitCode}:\n${stdout}${stderr}`
  )
  return { exitCode: code, stdout }
}

// --- internal ---

/** An argument as a shell would want it. */
const quoted = (argument: string): string =>
  /^[\w./:=@-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`

/** The program in the installed SDK. */
const program = join(
  dirname(fileURLToPath(import.meta.resolve("@patchmoi/sdk/package.json"))),
  "src",
  "bin.ts"
)
