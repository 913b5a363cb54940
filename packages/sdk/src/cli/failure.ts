/** Tells what went wrong: one line for people, one object for programs, on standard error. */
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { isUsageError } from "./UsageError.ts"

/** An error as it is told. */
export interface Failure {
  readonly exitCode: ExitCode
  /** The tag of the error, `UsageError`, the code of the operating system, or `Defect`. */
  readonly code: string
  readonly message: string
  readonly facts: Readonly<Record<string, unknown>>
  /** Only of a defect: where in the code it happened. */
  readonly stack?: string
}

/** The user stopped the command before it had anything to print. Exit code 130. */
export class Interrupted extends Error {
  readonly _tag = "Interrupted"
  override readonly name = "Interrupted"
}

/** What is told of anything that is thrown. */
export const toFailure = (error: unknown): Failure => {
  if (isUsageError(error)) {
    const { message, facts } = error
    return { exitCode: exitCodes.usage, code: "UsageError", message, facts }
  }
  const failed = { exitCode: exitCodes.failed }
  if (!(error instanceof Error)) return { ...failed, code: "Defect", message: String(error), facts: {} }
  if ("_tag" in error) {
    const exitCode = exitCodeOf(String(error._tag))
    return { exitCode, code: String(error._tag), message: error.message, facts: factsOf(error) }
  }
  if ("syscall" in error && "code" in error) {
    const { code, syscall, path }: Record<string, unknown> = { path: undefined, ...error }
    const facts = { syscall, ...(path === undefined ? {} : { path }) }
    return { ...failed, code: String(code), message: error.message, facts }
  }
  const stack = error.stack
  return {
    ...failed,
    code: "Defect",
    message: `${error.message} (this is a defect of patchmoi)`,
    facts: {},
    ...(stack === undefined ? {} : { stack })
  }
}

/** The text of a failure; with `json` it is one object. `hint` says where to read on after a wrong command line. */
export const failureText = (
  failure: Failure,
  options: { readonly json: boolean; readonly hint: string }
): string => {
  const { code, message, facts, stack } = failure
  if (options.json) return `${JSON.stringify({ error: { code, message, ...facts } })}\n`
  const lines = [`error: ${message}`]
  if (failure.exitCode === exitCodes.usage) lines.push(options.hint)
  if (stack !== undefined) lines.push(stack)
  return `${lines.join("\n")}\n`
}

// --- internal ---

/** A conflict that is open is not a failure: somebody has to look. */
const openConflicts: ReadonlySet<string> = new Set(["ResolveInProgress", "ResolveUnfinished"])

const exitCodeOf = (tag: string): ExitCode =>
  tag === "Interrupted"
    ? exitCodes.interrupted
    : openConflicts.has(tag)
      ? exitCodes.needsAttention
      : exitCodes.failed

/**
 * The facts of a tagged error. Its class names them; spreading would lose `line`, which Bun's errors have as a hidden
 * property of their own, so that an assignment does not show it.
 */
const factsOf = (error: Error): Readonly<Record<string, unknown>> => {
  const fields: unknown = Reflect.get(error.constructor, "fields")
  const names = typeof fields === "object" && fields !== null ? Object.keys(fields) : Object.keys(error)
  return Object.fromEntries(
    names.flatMap(
      (name): ReadonlyArray<readonly [string, unknown]> =>
        notFacts.has(name) ? [] : [[name, Reflect.get(error, name)]]
    )
  )
}

const notFacts: ReadonlySet<string> = new Set(["_tag", "name", "message", "stack", "cause"])
