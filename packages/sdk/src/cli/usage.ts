/** Says what is wrong with a command line, out of what the parser found, in one line of our own words. */

import { didYouMean } from "@patchmoi/core/nearest"
import {
  AliasNotFoundError,
  ArgumentParseError,
  EnumValidationError,
  FlagNotFoundError,
  UnexpectedFlagError,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError
} from "@stricli/core"
import { UsageError } from "./UsageError.ts"

/** The problem with an argument or an option. */
export const toUsageError = (problem: unknown, argv: ReadonlyArray<string>): UsageError => {
  if (problem instanceof FlagNotFoundError) {
    const corrections = problem.corrections.map((name) => `--${kebab(name)}`)
    const hint = corrections.length === 0 ? "" : `; did you mean ${corrections.join(" or ")}?`
    return new UsageError(`Unknown option: --${problem.input}${hint}`, {
      option: `--${problem.input}`,
      near: corrections
    })
  }
  if (problem instanceof AliasNotFoundError) {
    return new UsageError(`Unknown option: -${problem.input}`, { option: `-${problem.input}` })
  }
  if (problem instanceof UnsatisfiedFlagError) return missingValue(kebab(problem.externalFlagName), argv)
  if (problem instanceof UnsatisfiedPositionalError) {
    return new UsageError(`missing <${problem.placeholder}>`, { argument: problem.placeholder })
  }
  if (problem instanceof UnexpectedPositionalError) {
    // The parser takes an option with nothing behind its `=` for an argument.
    const [, option] = /^(--[a-z-]+)=$/.exec(problem.input) ?? []
    if (option !== undefined) return new UsageError(`${option} requires a value`, { option })
    return new UsageError(`Unexpected argument: ${problem.input}`, { argument: problem.input })
  }
  if (problem instanceof UnexpectedFlagError) {
    const option = `--${kebab(problem.externalFlagName)}`
    return new UsageError(`${option} is given twice`, { option })
  }
  if (problem instanceof EnumValidationError) {
    const option = `--${kebab(problem.externalFlagName)}`
    return wrongValue(option, problem.input, problem.values)
  }
  if (problem instanceof ArgumentParseError) {
    const name = problem.externalFlagNameOrPlaceholder
    const option = argv.some((word) => word.startsWith(`--${kebab(name)}`)) ? `--${kebab(name)}` : `<${name}>`
    const reason = problem.exception instanceof Error ? problem.exception.message : String(problem.exception)
    return new UsageError(`${option} ${reason}`, { option, found: problem.input })
  }
  return new UsageError(problem instanceof Error ? problem.message : String(problem))
}

/** A word where the name of a command is expected. `corrections` are what the parser finds near. */
export const unknownCommand = (input: string, corrections: ReadonlyArray<string>): UsageError => {
  const near = corrections.map((word) => word.replaceAll("`", ""))
  const hint = near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`
  return new UsageError(`Unknown command: ${input}${hint}`, { command: input, near })
}

// --- internal ---

const wrongValue = (option: string, found: string, values: ReadonlyArray<string>): UsageError =>
  new UsageError(
    `${option} must be one of ${values.join(", ")}; found ${JSON.stringify(found)}${didYouMean(found, values)}`,
    { option, found, values }
  )

/** The parser tells an option that is missing and one without its value in the same way. */
const missingValue = (name: string, argv: ReadonlyArray<string>): UsageError => {
  const option = `--${name}`
  return argv.includes(option)
    ? new UsageError(`${option} requires a value`, { option })
    : new UsageError(`missing ${option} <value>`, { option })
}

const kebab = (name: string): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
