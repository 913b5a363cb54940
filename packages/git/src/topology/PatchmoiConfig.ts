/**
 * `.patchmoi.toml`: the optional file in a maintained repository that names its remotes, branches and checks.
 *
 *     [git]      upstreamRemote, upstreamBranch, forkRemote, targetBranch, patchPrefix
 *     [fetch]    allowFetch, fetchTags, prune, pruneTags
 *     [safety]   allowDispatch, allowReplay, allowRebuild, allowCapture
 *     [checks]   commands = ["..."], timeout_ms
 *     [publish]  push, move_target
 *
 * A wrong value refuses the file with every problem at once; an unknown key is a warning. The permissions in it can
 * only forbid (`OperatorPolicy`).
 */
import { dirname, join } from "node:path"
import { nearest } from "@patchmoi/core/nearest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { parse, TomlError } from "smol-toml"
import { parseBranch, RemoteName } from "../GitName.ts"
import { lineOfKey } from "../internal/tomlHints.ts"
import { type ConfigIssue, PatchmoiConfigInvalid } from "./ConfigIssue.ts"
import type { Permission, Restrictions } from "./OperatorPolicy.ts"

/** Name of the file that a maintained repository may carry. The nearest one counts, up to the top of the work tree. */
export const configFileName = ".patchmoi.toml"

/** Longest accepted file, in bytes. */
export const configBytesMax = 256 * 1024

/** Commands that one file may list. */
export const checkCommandsMax = 50

/** Longest time of one check command, in milliseconds: 24 hours, the bound of a flow's step. */
export const checkTimeoutMillisMax = 24 * 60 * 60 * 1000

/** Time of one check command where the file says nothing, in milliseconds: 30 minutes. */
export const checkTimeoutMillisDefault = 30 * 60 * 1000

/** The file's meaning. A setting that the file does not name is `undefined`, and topology finds it by convention. */
export interface PatchmoiConfig {
  /** Where the settings come from; `null` when there is no file. */
  readonly file: string | null
  readonly upstreamRemote: string | undefined
  readonly upstreamBranch: string | undefined
  readonly forkRemote: string | undefined
  readonly targetBranch: string | undefined
  /** Ends with a slash. (Default: `patch/`.) */
  readonly patchPrefix: string
  /** (Default: true.) */
  readonly fetchTags: boolean
  /** (Default: true.) */
  readonly prune: boolean
  /** (Default: false.) */
  readonly pruneTags: boolean
  readonly restrictions: Restrictions
  readonly checks: { readonly commands: ReadonlyArray<string>; readonly timeoutMillis: number }
  /** Keys that mean nothing here, with a suggestion where one is near. */
  readonly warnings: ReadonlyArray<ConfigIssue>
}

/** What holds without a file. */
export const defaultConfig: PatchmoiConfig = {
  file: null,
  upstreamRemote: undefined,
  upstreamBranch: undefined,
  forkRemote: undefined,
  targetBranch: undefined,
  patchPrefix: "patch/",
  fetchTags: true,
  prune: true,
  pruneTags: false,
  restrictions: { forbidden: [] },
  checks: { commands: [], timeoutMillis: checkTimeoutMillisDefault },
  warnings: []
}

/**
 * Reads the nearest file from the folder upwards, at most to `top` (the work tree's root).
 *
 * `PatchmoiConfigInvalid` when it cannot be read or used. A missing file is not an error and gives `defaultConfig`.
 */
export const loadConfig = Effect.fn("PatchmoiConfig.load")(function* (options: {
  readonly directory: string
  readonly top: string
}) {
  for (let directory = options.directory; ; directory = dirname(directory)) {
    const file = join(directory, configFileName)
    const text = yield* readIfPresent(file)
    if (text !== null) return yield* parseConfig({ file, text })
    if (directory === options.top || dirname(directory) === directory) return defaultConfig
  }
})

/** Reads the meaning of a file's text. Pure. */
export const parseConfig = (source: {
  readonly file: string
  readonly text: string
}): Either.Either<PatchmoiConfig, PatchmoiConfigInvalid> =>
  Either.gen(function* () {
    const table = yield* parseToml(source)
    const decoded = yield* Either.mapLeft(
      Schema.decodeUnknownEither(ConfigFile, { errors: "all" })(table),
      (error) => new PatchmoiConfigInvalid({ file: source.file, issues: issuesOf(source, table, error) })
    )
    return configOf(decoded, source.file, unknownKeys(source, table))
  })

// --- internal ---

interface Source {
  readonly file: string
  readonly text: string
}

const branchName = Schema.String.pipe(
  Schema.filter((value) =>
    Either.match(parseBranch(value), { onLeft: (invalid) => invalid.reason, onRight: () => true })
  )
)
const prefix = Schema.String.pipe(
  Schema.filter((value) => Either.isRight(parseBranch(`${value.replace(/\/$/, "")}/x`)))
)
const check = Schema.String.pipe(Schema.filter((value) => value.trim() !== "" && !value.includes("\0")))
const checks = Schema.Array(check).pipe(Schema.maxItems(checkCommandsMax))
const timeout = Schema.Int.pipe(Schema.between(1, checkTimeoutMillisMax))

/** A key with its schema and the words for what it expects. */
const key = <A, I>(schema: Schema.Schema<A, I>, expected: string) =>
  Schema.optionalWith(schema.annotations({ message: () => ({ message: expected, override: true }) }), {
    exact: true
  })
const flag = () => key(Schema.Boolean, "true or false")
const branch = () => key(branchName, 'a branch name such as "main"')
const remote = () => key(RemoteName, 'the name of a remote such as "upstream"')

const sections = {
  git: {
    upstreamRemote: remote(),
    upstreamBranch: branch(),
    forkRemote: remote(),
    targetBranch: branch(),
    patchPrefix: key(prefix, 'a branch prefix such as "patch/"')
  },
  fetch: { allowFetch: flag(), fetchTags: flag(), prune: flag(), pruneTags: flag() },
  safety: { allowDispatch: flag(), allowReplay: flag(), allowRebuild: flag(), allowCapture: flag() },
  checks: {
    commands: key(checks, `an array of at most ${checkCommandsMax} commands`),
    timeout_ms: key(timeout, `whole milliseconds from 1 to ${checkTimeoutMillisMax}`)
  },
  publish: { push: flag(), move_target: flag() }
}

const ConfigFile = Schema.Struct({
  git: Schema.optionalWith(Schema.Struct(sections.git), { exact: true }),
  fetch: Schema.optionalWith(Schema.Struct(sections.fetch), { exact: true }),
  safety: Schema.optionalWith(Schema.Struct(sections.safety), { exact: true }),
  checks: Schema.optionalWith(Schema.Struct(sections.checks), { exact: true }),
  publish: Schema.optionalWith(Schema.Struct(sections.publish), { exact: true })
})
type ConfigFile = typeof ConfigFile.Type

const configOf = (found: ConfigFile, file: string, warnings: ReadonlyArray<ConfigIssue>): PatchmoiConfig => {
  const said: ReadonlyArray<readonly [Permission, boolean | undefined]> = [
    ["fetch", found.fetch?.allowFetch],
    ["dispatch", found.safety?.allowDispatch],
    ["replay", found.safety?.allowReplay],
    ["rebuild", found.safety?.allowRebuild],
    ["capture", found.safety?.allowCapture],
    ["push", found.publish?.push],
    ["moveTarget", found.publish?.move_target]
  ]
  const patchPrefix = found.git?.patchPrefix ?? defaultConfig.patchPrefix
  return {
    file,
    upstreamRemote: found.git?.upstreamRemote,
    upstreamBranch: found.git?.upstreamBranch,
    forkRemote: found.git?.forkRemote,
    targetBranch: found.git?.targetBranch,
    patchPrefix: patchPrefix.endsWith("/") ? patchPrefix : `${patchPrefix}/`,
    fetchTags: found.fetch?.fetchTags ?? defaultConfig.fetchTags,
    prune: found.fetch?.prune ?? defaultConfig.prune,
    pruneTags: found.fetch?.pruneTags ?? defaultConfig.pruneTags,
    restrictions: {
      forbidden: said.flatMap(([permission, allowed]) => (allowed === false ? [permission] : []))
    },
    checks: {
      commands: found.checks?.commands ?? [],
      timeoutMillis: found.checks?.timeout_ms ?? checkTimeoutMillisDefault
    },
    warnings
  }
}

/** The file's text, or `null` when there is no such file. */
const readIfPresent = (file: string) => {
  const unreadable = (found: string) =>
    new PatchmoiConfigInvalid({
      file,
      issues: [
        { file, line: null, field: "", expected: `a readable file of at most ${configBytesMax} bytes`, found }
      ]
    })
  return Effect.tryPromise({
    try: () => readTextIfPresent(file),
    catch: (cause) => unreadable(cause instanceof Error ? cause.message : String(cause))
  }).pipe(
    Effect.filterOrFail(
      (text) => text === null || text.length <= configBytesMax,
      () => unreadable("a longer one")
    )
  )
}

const readTextIfPresent = async (file: string): Promise<string | null> => {
  try {
    return await Bun.file(file)
      .slice(0, configBytesMax + 1)
      .text()
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR"))
      return null
    throw cause
  }
}

const parseToml = ({ file, text }: Source) =>
  Either.try({
    try: (): unknown => parse(text),
    catch: (cause) => {
      // The parser's message goes on with lines of the file, which may hold anything; only its first line is kept.
      const found = cause instanceof Error ? (cause.message.split("\n", 1)[0] ?? "") : String(cause)
      const line = cause instanceof TomlError ? cause.line : null
      return new PatchmoiConfigInvalid({
        file,
        issues: [{ file, line, field: "", expected: "valid TOML", found }]
      })
    }
  })

const issuesOf = (
  { file, text }: Source,
  table: unknown,
  error: ParseResult.ParseError
): ReadonlyArray<ConfigIssue> =>
  ParseResult.ArrayFormatter.formatErrorSync(error).map((issue) => {
    const [section = "", name] = issue.path.map(String)
    const value = name === undefined ? valueOf(table, section) : valueOf(valueOf(table, section), name)
    return {
      file,
      line: lineOfKey(text, section, name),
      field: name === undefined ? section : `${section}.${name}`,
      expected: name === undefined ? `a table [${section}]` : issue.message,
      found: (JSON.stringify(value) ?? "nothing").slice(0, foundLengthMax)
    }
  })

/** Longest quotation of a wrong value, in UTF-16 units. */
const foundLengthMax = 120

const valueOf = (value: unknown, name: string): unknown => entriesOf(value).find(([key]) => key === name)?.[1]

const unknownKeys = ({ file, text }: Source, table: unknown): ReadonlyArray<ConfigIssue> => {
  const warn = (known: ReadonlyArray<string>, section: string, name?: string): ConfigIssue => {
    const meant = nearest(name ?? section, known)
    const expected = meant === undefined ? `one of ${known.join(", ")}` : `"${meant}"`
    const field = name === undefined ? section : `${section}.${name}`
    return { file, line: lineOfKey(text, section, name), field, expected, found: "an unknown key" }
  }
  const known: Readonly<Record<string, object>> = sections
  return entriesOf(table).flatMap(([section, value]) => {
    const fields = Object.hasOwn(known, section) ? known[section] : undefined
    if (fields === undefined) return [warn(Object.keys(known), section)]
    const names = Object.keys(fields)
    return entriesOf(value).flatMap(([name]) => (names.includes(name) ? [] : [warn(names, section, name)]))
  })
}

const entriesOf = (value: unknown): ReadonlyArray<readonly [string, unknown]> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : []
