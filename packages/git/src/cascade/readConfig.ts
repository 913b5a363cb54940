/** Reads `cascade.toml`: from a file, or from its text. */
import { nearest } from "@patchmoi/core/nearest"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { parse, TomlError } from "smol-toml"
import { ConfigIssue, formatIssue } from "../topology/ConfigIssue.ts"
import { type CascadeConfig, cascadeConfigBytesMax } from "./CascadeConfig.ts"
import { lineOf } from "./internal/configLines.ts"
import { configOf } from "./internal/configMeaning.ts"
import { CascadeFile, TargetTable, targetsWords } from "./internal/configSchema.ts"

/** The file cannot be used. Nothing was read from any target. */
export class CascadeConfigInvalid extends Schema.TaggedError<CascadeConfigInvalid>(
  "git/CascadeConfigInvalid"
)("CascadeConfigInvalid", { file: Schema.String, issues: Schema.Array(ConfigIssue) }) {
  override get message(): string {
    return this.issues.map(formatIssue).join("\n")
  }
}

/** Problems of one file that are told; more are counted. */
export const issuesMax = 50

/** Reads and checks the file; `GITEA_URL` of the environment is the base of `owner/name` targets. `CascadeConfigInvalid`. */
export const loadCascadeConfig = Effect.fn("CascadeConfig.load")(function* (file: string) {
  const text = yield* readText(file)
  const giteaUrl = yield* Effect.map(Effect.option(Config.nonEmptyString("GITEA_URL")), Option.getOrUndefined)
  return yield* parseCascadeConfig({ file, text, giteaUrl })
})

/** What the text of a file means. Pure. */
export const parseCascadeConfig = (source: {
  readonly file: string
  readonly text: string
  /** The base address of targets that are written as `owner/name`. */
  readonly giteaUrl?: string | undefined
}): Either.Either<CascadeConfig, CascadeConfigInvalid> =>
  Either.gen(function* () {
    const refuse = (issues: ReadonlyArray<ConfigIssue>) =>
      new CascadeConfigInvalid({ file: source.file, issues: issues.slice(0, issuesMax) })
    const table = yield* Either.mapLeft(parseToml(source), (issue) => refuse([issue]))
    const decoded = yield* Either.mapLeft(
      Schema.decodeUnknownEither(CascadeFile, { errors: "all" })(table),
      (error) => refuse(issuesOf(source, table, error))
    )
    return yield* Either.mapLeft(configOf(decoded, source, unknownKeys(source, table)), refuse)
  })

// --- internal ---

interface Source {
  readonly file: string
  readonly text: string
}

const readText = (file: string) => {
  const unreadable = (found: string) =>
    new CascadeConfigInvalid({
      file,
      issues: [
        {
          file,
          line: null,
          field: "",
          expected: `a readable file of at most ${cascadeConfigBytesMax} bytes`,
          found
        }
      ]
    })
  return Effect.tryPromise({
    try: () =>
      Bun.file(file)
        .slice(0, cascadeConfigBytesMax + 1)
        .text(),
    catch: (cause) =>
      unreadable(
        !(cause instanceof Error) || ("code" in cause && cause.code === "ENOENT")
          ? "no file"
          : cause.message.slice(0, 300)
      )
  }).pipe(
    Effect.filterOrFail(
      (text) => text.length <= cascadeConfigBytesMax,
      () => unreadable("a longer one")
    )
  )
}

/** The tables, with every target as a table: a target that is only an address may be written as a text. */
const parseToml = ({ file, text }: Source): Either.Either<Readonly<Record<string, unknown>>, ConfigIssue> =>
  Either.try({
    try: () => {
      const { targets, ...rest } = parse(text)
      if (targets === undefined) return rest
      const list = Array.isArray(targets)
        ? targets.map((target) => (typeof target === "string" ? { url: target } : target))
        : targets
      return { ...rest, targets: list }
    },
    catch: (cause) => ({
      file,
      line: cause instanceof TomlError ? cause.line : null,
      field: "",
      expected: "valid TOML",
      // The parser's message goes on with lines of the file; only its first line is kept.
      found: cause instanceof Error ? (cause.message.split("\n", 1)[0] ?? "") : String(cause)
    })
  })

/** Longest quotation of a wrong value, in UTF-16 units. */
const foundLengthMax = 120

const issuesOf = (
  { file, text }: Source,
  table: unknown,
  error: ParseResult.ParseError
): ReadonlyArray<ConfigIssue> =>
  ParseResult.ArrayFormatter.formatErrorSync(error).map(({ message, path }) => {
    const value = path.reduce<unknown>(valueAt, table)
    return {
      file,
      line: lineOf(text, path),
      field: fieldOf(path),
      // Without words of ours the message is the schema's, which quotes the value.
      expected: !message.startsWith("Expected ")
        ? message
        : path[0] === "targets" && path.length === 1
          ? targetsWords
          : "a table",
      found: quotationOf(value, path)
    }
  })

/** The value, without what may be a secret: a token in the place of its variable's name, a password in an address. */
const quotationOf = (value: unknown, path: ReadonlyArray<PropertyKey>): string =>
  path.at(-1) === "token_env" && typeof value === "string"
    ? "another text"
    : (JSON.stringify(value) ?? "nothing").replace(/(:\/\/)[^\s"]*@/g, "$1***@").slice(0, foundLengthMax)

const fieldOf = (path: ReadonlyArray<PropertyKey>): string =>
  path.reduce<string>(
    (so, key) =>
      typeof key === "number" ? `${so}[${key}]` : so === "" ? String(key) : `${so}.${String(key)}`,
    ""
  )

const valueAt = (value: unknown, key: PropertyKey): unknown =>
  typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined

const unknownKeys = (
  source: Source,
  table: Readonly<Record<string, unknown>>
): ReadonlyArray<ConfigIssue> => {
  const { targets, author } = table
  const places: ReadonlyArray<readonly [unknown, ReadonlyArray<string>, ReadonlyArray<PropertyKey>]> = [
    [table, Object.keys(CascadeFile.fields), []],
    [author, ["name", "email"], ["author"]],
    ...(Array.isArray(targets)
      ? targets.map((target, at) => [target, Object.keys(TargetTable.fields), ["targets", at]] as const)
      : [])
  ]
  return places
    .flatMap(([value, known, path]) =>
      keysOf(value)
        .filter((key) => !known.includes(key))
        .map((key) => unknownKey(source, key, known, path))
    )
    .slice(0, issuesMax)
}

const keysOf = (value: unknown): ReadonlyArray<string> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : []

const unknownKey = (
  { file, text }: Source,
  key: string,
  known: ReadonlyArray<string>,
  path: ReadonlyArray<PropertyKey>
): ConfigIssue => {
  const meant = nearest(key, known)
  const expected = meant === undefined ? `one of ${known.join(", ")}` : `"${meant}"`
  const whole = [...path, key]
  return { file, line: lineOf(text, whole), field: fieldOf(whole), expected, found: "an unknown key" }
}
