/**
 * What besides the tree decides how a check ends: the programs, files and variables that the operator names.
 *
 * All of it goes into one digest, which is part of the key under which answers are kept. Another compiler, another
 * lock file outside the tree, another value of a variable: another question. `PATH` and the platform always count.
 */
import { createHash } from "node:crypto"
import { readFile, stat } from "node:fs/promises"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { inheritEnvironment } from "../internal/environment.ts"
import { runChecks } from "./Checks.ts"

/** Commands, files and variables that one toolchain may name, each. */
export const toolchainPartsMax = 50

/** Longest file that is read for the digest, in bytes: 16 MiB. */
export const toolchainFileBytesMax = 16 * 1024 * 1024

/** Time of each command, in milliseconds: one minute. */
export const toolchainTimeoutMillis = 60_000

const parts = Schema.Array(Schema.String.pipe(Schema.minLength(1), Schema.maxLength(4_096))).pipe(
  Schema.maxItems(toolchainPartsMax)
)

/** What counts, as the operator writes it down. A maintained repository has no say in it. */
export const ToolchainParts = Schema.Struct({
  /** Command lines whose output counts, such as `node --version`. (Default: none.) */
  commands: Schema.optionalWith(parts, { default: () => [] }),
  /** Files whose content counts, absolute. (Default: none.) */
  files: Schema.optionalWith(parts, { default: () => [] }),
  /** Names of variables that checks get, and whose values count. (Default: none.) */
  environment: Schema.optionalWith(parts, { default: () => [] })
})
export type ToolchainParts = typeof ToolchainParts.Type

/** What was found: the digest, and the variables for the checks. */
export interface Toolchain {
  /** SHA-256 in hex. */
  readonly digest: string
  /** The variables that are set, by name. Only the digest of their values is ever stored. */
  readonly environment: Readonly<Record<string, string>>
}

/** Nothing but `PATH` and the platform count. */
export const noToolchainParts: ToolchainParts = { commands: [], files: [], environment: [] }

/** A part of the toolchain cannot be told, so that no answer could be kept under it. Nothing was checked. */
export class ToolchainUnknown extends Schema.TaggedError<ToolchainUnknown>("git/ToolchainUnknown")(
  "ToolchainUnknown",
  { part: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `The toolchain's part ${JSON.stringify(this.part)} cannot be told: ${this.detail}; correct it or take it out`
  }
}

/**
 * Asks each part once. A command that fails and a file that is absent count as that.
 *
 * `ToolchainUnknown` (a command over its time, a file too long or unreadable), `CheckNotStarted`.
 */
export const readToolchain = Effect.fn("Toolchain.read")(function* (options: {
  readonly parts: ToolchainParts
  /** Folder in which the commands run. Must exist, and not lie in the tree that is checked. */
  readonly directory: string
}) {
  const { environment: names, commands, files } = options.parts
  const environment = yield* inheritEnvironment(names)
  const always = yield* inheritEnvironment(["PATH"])
  const said = yield* Effect.forEach(commands, (command) =>
    Effect.gen(function* () {
      const [result] = yield* runChecks({
        directory: options.directory,
        commands: [command],
        timeoutMillis: toolchainTimeoutMillis,
        env: environment
      })
      if (result === undefined || result.exitCode === null) {
        return yield* new ToolchainUnknown({ part: command, detail: "the command was over its time" })
      }
      return [command, result.exitCode, result.output, result.outputBytesOmitted]
    })
  )
  const read = yield* Effect.forEach(files, (file) =>
    Effect.tryPromise({
      try: async () => [file, await digestOf(file)],
      catch: (cause) =>
        new ToolchainUnknown({ part: file, detail: cause instanceof Error ? cause.message : String(cause) })
    })
  )
  const counted = [process.platform, process.arch, always, said, read, Object.entries(environment).sort()]
  const toolchain: Toolchain = { digest: sha256(JSON.stringify(counted)), environment }
  return toolchain
})

// --- internal ---

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex")

/** The digest of the content, or `null` for a file that is not there. */
const digestOf = async (file: string): Promise<string | null> => {
  const found = await stat(file).catch((cause: unknown) => {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null
    throw cause
  })
  if (found === null) return null
  if (found.size > toolchainFileBytesMax) throw new Error(`it has more than ${toolchainFileBytesMax} bytes`)
  return sha256(await readFile(file))
}
