/** Runs the rehearsal as a process of its own, as `npm start` does. Nobody's npm configuration takes part. */
import { delimiter, join } from "node:path"
import { type CommandResult, runCommand } from "../../scripts/verify/command.ts"

/** Longest time for one rehearsal: it is killed then. */
export const rehearsalMillisMax = 60_000

/** With what it is run. */
export interface RehearsalOptions {
  /** An existing folder for everything that is written. */
  readonly folder: string
  /** The name of the rehearsal's own folder in it. Default: one that was never used. */
  readonly directory?: string
  /** The registry that npm is configured for. */
  readonly registryUrl: string
  /** A folder whose programs go before all others. */
  readonly programs?: string
}

/** Never rejects for an exit code. */
export const runRehearsal = (
  args: ReadonlyArray<string>,
  { folder, directory = crypto.randomUUID(), registryUrl, programs }: RehearsalOptions
): Promise<CommandResult> =>
  runCommand([process.execPath, program, ...args, "--directory", join(folder, directory)], {
    cwd: root,
    env: {
      NO_COLOR: "1",
      NO_PROXY: "127.0.0.1",
      PATH: [programs, process.env["PATH"]].filter((path) => path !== undefined).join(delimiter),
      npm_config_registry: registryUrl,
      npm_config_userconfig: join(folder, "npmrc"),
      npm_config_globalconfig: join(folder, "npmrc-global"),
      npm_config_cache: join(folder, "npm-cache")
    },
    timeoutMillis: rehearsalMillisMax
  })

/** The arguments for a package that goes from one version to another. */
export const versionsOf = (name: string, from = "1.0.0", to = "1.1.0"): ReadonlyArray<string> => [
  "--package",
  name,
  "--from",
  from,
  "--to",
  to
]

// --- internal ---

const root = join(import.meta.dir, "../..")
const program = "examples/rehearsal/src/main.ts"
