/** The command line: arguments in, exit code out. Everything that is written goes to the caller's streams. */
import { buildApplication, run, text_en } from "@stricli/core"
import manifest from "../../package.json" with { type: "json" }
import type { Caller } from "./Caller.ts"
import type { CliContext } from "./command.ts"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import { failureText, toFailure } from "./failure.ts"
import { moveLeadingOptions } from "./leadingOptions.ts"
import { stylesOf } from "./text/style.ts"
import { commandTree, programName } from "./tree.ts"
import { toUsageError, unknownCommand } from "./usage.ts"

/** Runs the command that the arguments name (those after the program). Never rejects. */
export const runCommandLine = async (caller: Caller, argv: ReadonlyArray<string>): Promise<ExitCode> => {
  const words = moveLeadingOptions(argv)
  const problems: Array<unknown> = []
  let ended: ExitCode | undefined
  const tell = (problem: unknown): string => {
    problems.push(problem)
    return ""
  }
  const context: CliContext = {
    process: {
      stdout: toStricli(caller),
      // What the parser says is told in our words, below.
      stderr: { write: () => undefined }
    },
    caller,
    finish: (code) => {
      ended = code
    }
  }
  await run(applicationOf(tell, words), words, context)
  const problem = problems.find(() => true)
  if (problem === undefined) return ended ?? exitCodes.good
  const failure = toFailure(problem)
  const json = words.slice(0, endOfOptions(words)).includes("--json")
  caller.stderr.write(failureText(failure, { json, hint: hintOf(words) }))
  return failure.exitCode
}

// --- internal ---

/** The parser colours help by the depth that a stream tells. */
const toStricli = (caller: Caller) => ({
  write: (text: string) => caller.stdout.write(text),
  getColorDepth: () => (stylesOf(caller, caller.stdout).bold("") === "" ? 1 : 4)
})

const applicationOf = (tell: (problem: unknown) => string, words: ReadonlyArray<string>) =>
  buildApplication<CliContext>(commandTree, {
    name: programName,
    versionInfo: { currentVersion: manifest.version },
    scanner: { caseStyle: "allow-kebab-for-camel", allowArgumentEscapeSequence: true },
    localization: {
      text: {
        ...text_en,
        noCommandRegisteredForInput: ({ input, corrections }) => tell(unknownCommand(input, corrections)),
        exceptionWhileParsingArguments: (problem) => tell(toUsageError(problem, words)),
        exceptionWhileLoadingCommandFunction: tell,
        exceptionWhileLoadingCommandContext: tell,
        exceptionWhileRunningCommand: tell,
        commandErrorResult: tell,
        exceptionWhileRunningIntegrationFlag: ({ exception }) => tell(exception),
        exceptionWhileRunningIntegrationHook: ({ exception }) => tell(exception)
      }
    }
  })

const endOfOptions = (words: ReadonlyArray<string>): number => {
  const end = words.indexOf("--")
  return end === -1 ? words.length : end
}

/** Where to read on: the help of the deepest command that the words name. */
const hintOf = (words: ReadonlyArray<string>): string => {
  const named: Array<string> = [programName]
  let target: { readonly getRoutingTargetForInput?: (input: string) => unknown } = commandTree
  for (const word of words) {
    const next: unknown = target.getRoutingTargetForInput?.(word)
    if (typeof next !== "object" || next === null) break
    named.push(word)
    target = next
  }
  return `Try: ${named.join(" ")} --help`
}
