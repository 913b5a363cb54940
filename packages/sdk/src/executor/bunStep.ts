/** What is started for one attempt of a Bun step, whoever starts it: program, arguments, environment, document. */
import type { StepInvocation } from "@patchmoi/core/executor/Executor"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { moduleRunnerSource } from "./moduleRunner.ts"
import { makeScriptStyle } from "./ScriptStyle.ts"
import { makeStepVariables, type StepEnvironment } from "./StepEnvironment.ts"
import type { StepCommand } from "./StepProcess.ts"
import { makeStepDocument } from "./stepDocument.ts"

/** Where steps get their Bun and their variables from. */
export interface BunStepOptions {
  readonly environment: StepEnvironment
  /** The Bun that runs steps, absolute. Default: the running executable, also when it is a compiled program. */
  readonly bunPath?: string
}

/**
 * Makes the function that gives the command of one attempt. It fails with the reason why there is none: the manifest
 * asks for a secret, the event is not JSON, or there is no such script. It remembers the styles of scripts that it has seen.
 */
export const makeBunStep = (
  options: BunStepOptions
): ((invocation: StepInvocation) => Effect.Effect<StepCommand, { readonly reason: string }>) => {
  const { environment } = options
  const bun = resolveBun(options.bunPath)
  const scriptStyle = makeScriptStyle()
  return Effect.fnUntraced(function* (invocation: StepInvocation) {
    const { cwd, script } = invocation.plan
    const variables = yield* Either.mapLeft(makeStepVariables(environment, invocation), asProblem)
    const stdin = yield* Either.mapLeft(makeStepDocument(environment, invocation), asProblem)
    const style = yield* scriptStyle(script)
    return {
      argv: style === "raw" ? [bun.path, script] : [bun.path, "-e", moduleRunnerSource(), script],
      cwd,
      variables: { ...variables, ...bun.variables },
      stdin
    }
  })
}

// --- internal ---

const asProblem = (reason: string): { readonly reason: string } => ({ reason })

/**
 * The Bun that runs steps. A program made by `bun build --compile` is Bun as well; `BUN_BE_BUN` makes it
 * run the script that it is given instead of the program inside (bun.com/docs/bundler/executables).
 */
const resolveBun = (
  bunPath: string | undefined
): { readonly path: string; readonly variables: Record<string, string> } => {
  if (bunPath !== undefined) return { path: bunPath, variables: {} }
  const isCompiled = /^(\/\$bunfs\/|[A-Z]:[\\/]~BUN[\\/])/.test(Bun.main)
  return { path: process.execPath, variables: isCompiled ? { BUN_BE_BUN: "1" } : {} }
}
