/** One source of the sources file: its fields, its defaults, and what to say about it. */
import * as Either from "effect/Either"
import type * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { findProvider, plannedProviders, providerNames } from "../Providers.ts"
import { npmDocumentUrl } from "../providers/npm.ts"
import {
  ForkSyncTarget,
  pollIntervalSecondsMin,
  Source,
  SourceRepo,
  type SourceTarget,
  targetModes,
  WorkspaceTarget
} from "../Source.ts"
import { isRecord } from "./isRecord.ts"
import { allErrors, describeValue, type FieldProblem, schemaProblems } from "./schemaProblems.ts"
import { type SourceWarning, unknownKeys } from "./unknownKeys.ts"

/** The source with its defaults, or every wrong field. What does not stop the source is added to `warnings`. */
export const decodeSource = (
  value: unknown,
  path: string,
  options: { readonly npmRegistryUrl?: string },
  warnings: Array<SourceWarning>
): Either.Either<Source, ReadonlyArray<FieldProblem>> => {
  if (!isRecord(value)) {
    return Either.left([{ path, expected: "an object", found: describeValue(value, path) }])
  }
  warnings.push(...sourceWarnings(value, path))
  const decoded = decodeFields(withDefaults(value, options)).pipe(
    Either.mapLeft((error) => schemaProblems(error.issue, path))
  )
  const extra = [...providerProblems(value, path), ...targetProblems(value, path)]
  if (extra.length === 0) return decoded
  const others = Either.isLeft(decoded) ? decoded.left : []
  const told = extra.map((problem) => problem.path)
  const untold = others.filter(
    (problem) => !told.includes(problem.path) && !problem.path.startsWith(`${path}.target`)
  )
  return Either.left([...untold, ...extra])
}

// --- internal ---

/** Fills in what the file may leave out: the address of an npm document, a poll interval below the least one. */
const withDefaults = (
  value: Readonly<Record<string, unknown>>,
  options: { readonly npmRegistryUrl?: string }
): unknown => {
  const filled: Record<string, unknown> = { ...value }
  const repo = value["repo"]
  const fullName = isRecord(repo) ? repo["fullName"] : undefined
  if (
    value["url"] === undefined &&
    value["provider"] === "npm" &&
    options.npmRegistryUrl !== undefined &&
    typeof fullName === "string"
  ) {
    filled["url"] = npmDocumentUrl(options.npmRegistryUrl, fullName)
  }
  const seconds = value["pollIntervalSeconds"]
  if (isTooShort(seconds)) filled["pollIntervalSeconds"] = pollIntervalSecondsMin
  return filled
}

const isTooShort = (seconds: unknown): seconds is number =>
  typeof seconds === "number" && seconds > 0 && seconds < pollIntervalSecondsMin

const providerProblems = (
  value: Readonly<Record<string, unknown>>,
  path: string
): ReadonlyArray<FieldProblem> => {
  const name = value["provider"]
  if (typeof name !== "string") return []
  const provider = findProvider(name)
  if (provider === undefined) {
    const planned = plannedProviders.includes(name)
    const found = describeValue(name, path)
    return [
      {
        path: `${path}.provider`,
        expected: providerNames.join(" or "),
        found: planned ? `${found}, which is known but not in this version` : found
      }
    ]
  }
  const event = value["event"]
  if ((event === "push" || event === "release") && !provider.events.includes(event)) {
    return [
      {
        path: `${path}.event`,
        expected: `${provider.events.join(" or ")}, as provider ${name} knows no other`,
        found: describeValue(event, path)
      }
    ]
  }
  return []
}

/** The wrong fields of a target, judged by its own mode: a union would report those of every other mode too. */
const targetProblems = (
  value: Readonly<Record<string, unknown>>,
  path: string
): ReadonlyArray<FieldProblem> => {
  const { target } = value
  if (target === undefined) return []
  const targetPath = `${path}.target`
  const mode = isRecord(target) ? target["mode"] : undefined
  if (targetModes.some((known) => known === mode)) {
    const decoded: Either.Either<SourceTarget, ParseResult.ParseError> = isForkMode(mode)
      ? decodeForkSync(target)
      : decodeWorkspace(target)
    return Either.isLeft(decoded) ? schemaProblems(decoded.left.issue, targetPath) : []
  }
  const expected = `an object whose mode is ${targetModes.join(", ")}`
  const found = isRecord(target) ? `mode ${describeValue(mode, path)}` : describeValue(target, path)
  return [{ path: targetPath, expected, found }]
}

const isForkMode = (mode: unknown): boolean => mode === "notify_only" || mode === "fork_sync"

const decodeForkSync = Schema.decodeUnknownEither(ForkSyncTarget, allErrors)
const decodeWorkspace = Schema.decodeUnknownEither(WorkspaceTarget, allErrors)

const decodeFields = Schema.decodeUnknownEither(Source, allErrors)

const sourceKeys = Object.keys(Source.fields)

const sourceWarnings = (
  value: Readonly<Record<string, unknown>>,
  path: string
): ReadonlyArray<SourceWarning> => {
  const seconds = value["pollIntervalSeconds"]
  const raised = isTooShort(seconds)
    ? [
        {
          path: `${path}.pollIntervalSeconds`,
          message: `${seconds} is below the least, ${pollIntervalSecondsMin}: polled every ${pollIntervalSecondsMin} seconds`
        }
      ]
    : []
  const repo = value["repo"]
  const target = value["target"]
  return [
    ...unknownKeys(value, sourceKeys, path),
    ...(isRecord(repo) ? unknownKeys(repo, Object.keys(SourceRepo.fields), `${path}.repo`) : []),
    ...(isRecord(target) ? unknownKeys(target, targetKeys(target["mode"]), `${path}.target`) : []),
    ...raised
  ]
}

const targetKeys = (mode: unknown): ReadonlyArray<string> =>
  Object.keys(isForkMode(mode) ? ForkSyncTarget.fields : WorkspaceTarget.fields)
