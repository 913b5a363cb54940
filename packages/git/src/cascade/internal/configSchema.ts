/** What each key of `cascade.toml` may hold, and the words for it. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { parseBranch } from "../../GitName.ts"
import {
  attemptsMax,
  CascadeMode,
  concurrencyMax,
  ForgeKind,
  targetMillisMax,
  targetMillisMin,
  targetsMax
} from "../CascadeConfig.ts"

/** Longest path of a file in a target, in UTF-16 units. */
export const pathLengthMax = 255

/** Whether a path stays inside a repository and out of git's own folder. */
export const isRepositoryPath = (path: string): boolean =>
  path.length <= pathLengthMax &&
  /^[\w.@+-][\w.@+ -]*(?:\/[\w.@+][\w.@+ -]*)*$/.test(path) &&
  !path.startsWith("-") &&
  !path.endsWith(" ") &&
  path.split("/").every((part) => part !== "." && part !== ".." && part.toLowerCase() !== ".git")

const matching = (pattern: RegExp) => Schema.String.pipe(Schema.pattern(pattern))
const branch = Schema.String.pipe(Schema.filter((value) => Either.isRight(parseBranch(value))))
const path = Schema.String.pipe(Schema.filter(isRepositoryPath))
/** What stands in a commit's author line: no angle brackets, no line breaks. */
const identity = Schema.String.pipe(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this rule refuses.
  Schema.filter((value) => /^[^<>\u0000-\u001f\u007f]{1,200}$/.test(value) && value.trim() !== "")
)
const message = Schema.String.pipe(
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this rule refuses.
  Schema.filter((value) => value.trim() !== "" && value.length <= 1_000 && !/[\u0000\r]/.test(value))
)
const variableName = matching(/^[A-Za-z_]\w{0,127}$/)
const whole = (least: number, most: number) => Schema.Int.pipe(Schema.between(least, most))

/** A key with its schema and the words for what it expects. */
const key = <A, I>(schema: Schema.Schema<A, I>, expected: string) =>
  Schema.optionalWith(schema.annotations({ message: () => ({ message: expected, override: true }) }), {
    exact: true
  })
const required = <A, I>(schema: Schema.Schema<A, I>, expected: string) =>
  Schema.propertySignature(
    schema.annotations({ message: () => ({ message: expected, override: true }) })
  ).annotations({ missingMessage: () => expected })

const modes = `"${CascadeMode.literals.join('", "')}"`
const forges = `"${ForgeKind.literals.join('", "')}"`
/** What `targets` is to hold. */
export const targetsWords = `1 to ${targetsMax} [[targets]]`
const variableWords = "the name of an environment variable such as DISPATCH_TOKEN"

/** One `[[targets]]`. The address is checked apart, because it may need `GITEA_URL`. */
export const TargetTable = Schema.Struct({
  url: required(Schema.String, "the address of a repository"),
  branch: key(branch, 'a branch name such as "main"'),
  enabled: key(Schema.Boolean, "true or false"),
  forge: key(ForgeKind, `one of ${forges}`),
  workflow: key(matching(/^[\w.@+-]+\.ya?ml$/), 'the name of a workflow file such as "build.yml"'),
  mode: key(CascadeMode, `one of ${modes}`),
  token_env: key(variableName, variableWords)
})

const Author = Schema.Struct({
  name: required(identity, "a name of 1 to 200 characters without < and >"),
  email: required(identity, "an address of 1 to 200 characters without < and >")
})

/** The whole file. */
export const CascadeFile = Schema.Struct({
  name: required(
    matching(/^[A-Za-z0-9][\w.-]{0,63}$/),
    'a name of at most 64 letters, digits, ".", "_" and "-", such as "runtime"'
  ),
  file: key(path, `a path in the target of at most ${pathLengthMax} characters, such as ".runtime-version"`),
  message: key(message, "a message of at most 1000 characters"),
  author: Schema.optionalWith(Author, { exact: true }),
  mode: key(CascadeMode, `one of ${modes}`),
  probe: key(path, 'a path in the target such as ".github/workflows/runtime.yml"'),
  event_type: key(matching(/^[\w.-]{1,100}$/), "a word of at most 100 characters"),
  token_env: key(variableName, variableWords),
  concurrency: key(whole(1, concurrencyMax), `a whole number from 1 to ${concurrencyMax}`),
  attempts: key(whole(1, attemptsMax), `a whole number from 1 to ${attemptsMax}`),
  timeout_ms: key(
    whole(targetMillisMin, targetMillisMax),
    `whole milliseconds from ${targetMillisMin} to ${targetMillisMax}`
  ),
  // The words stand at the bounds alone: around the whole list they would hide what is wrong with one target.
  targets: Schema.propertySignature(
    Schema.Array(TargetTable).pipe(
      Schema.minItems(1, { message: () => targetsWords }),
      Schema.maxItems(targetsMax, { message: () => targetsWords })
    )
  ).annotations({ missingMessage: () => targetsWords })
})
export type CascadeFile = typeof CascadeFile.Type
