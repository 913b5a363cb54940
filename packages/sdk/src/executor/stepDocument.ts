/** The JSON document that a step reads from its standard input (docs/reference/flow-result.md). */
import type { StepInvocation } from "@patchmoi/core/executor/Executor"
import * as Either from "effect/Either"
import { resolveRuntime, type StepEnvironment } from "./StepEnvironment.ts"

/**
 * The document, pretty-printed, with a line break at its end. Fields of the event that patchmoi does not
 * know stand beside the known ones, which win. The reason, when the event or config is not JSON.
 */
export const makeStepDocument = (
  environment: StepEnvironment,
  invocation: StepInvocation
): Either.Either<string, string> => {
  const { extra, ...event } = invocation.event
  const document = {
    flow: { ...invocation.flow, event: { ...event, ...extra, ...event } },
    runtime: resolveRuntime(environment, invocation)
  }
  return Either.try({
    try: () => `${JSON.stringify(document, null, 2)}\n`,
    catch: (cause) => `the event or the config cannot be written as JSON (${String(cause)})`
  })
}
