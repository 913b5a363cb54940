/**
 * Which environment variables a step gets.
 *
 * 1. A secret of patchmoi never reaches a step, in no mode and by no name that a manifest gives; nor does its value under
 *    another name.
 * 2. A service hands on a short list of names; a local client hands on what its caller has.
 * 3. The runtime variables of this run win over whatever the caller had under the same names.
 */
import type { StepInvocation } from "@patchmoi/core/executor/Executor"
import * as Either from "effect/Either"

/** Where the variables of a step come from. */
export interface StepEnvironment {
  /** `service`: the short list and what the manifest names in `env`. `inherit`: everything but secrets. */
  readonly mode: "service" | "inherit"
  /** The variables of the caller, given by the room that composes. */
  readonly values: Readonly<Record<string, string | undefined>>
  /** Further names that no step gets, such as those that a sources file names as secrets. */
  readonly secrets: ReadonlyArray<string>
  /** In the mode `service`: the names that are handed on, instead of the short list. */
  readonly forward?: ReadonlyArray<string>
}

/** What a service hands on to every step. */
export const serviceNames: ReadonlySet<string> = new Set([
  ...["PATH", "HOME", "LANG", "TMPDIR"],
  ...["CODEX_FLOWS_MODE", "CODEX_FLOWS_ENABLE_CODE_MODE", "CODEX_HOME"],
  ...["CODEX_APP_SERVER_CODEX_COMMAND", "CODEX_APP_SERVER_CODEX_PACKAGE", "CODEX_APP_SERVER_BUNX_COMMAND"],
  ...["PEEZY_CODEX_REPO", "PEEZY_CODEX_TARGET_BRANCH", "PEEZY_CODEX_CARGO_TARGET_DIR"]
])

/** What tells the processes of an attempt from all others: the attempt, and the engine that has it. */
export const attemptVariables = (attemptId: string, workerId: string) => ({
  CODEX_FLOW_ATTEMPT_ID: attemptId,
  CODEX_FLOW_WORKER_ID: workerId
})

/** Secrets of patchmoi and of the services that it speaks for, by name. */
export const secretNames: ReadonlySet<string> = new Set([
  "CODEX_FLOW_BACKEND_SECRET",
  "DISCORD_WEBHOOK_URL",
  "PATCH_ADMIN_TOKEN",
  "PATCH_FLOW_DISPATCH_SECRET",
  "PATCH_WORKSPACE_BACKEND_SECRET"
])

/** Secrets of patchmoi by the shape of the name, so that one that is added later is covered. */
export const secretPatterns: ReadonlyArray<RegExp> = [
  /^(PATCH|PATCHMOI|CODEX_FLOW|CODEX_WORKSPACE)_(.+_)?(SECRET|SECRETS|TOKEN|PASSWORD|API_KEY|PRIVATE_KEY)$/i,
  /^DISCORD_(.+_)?WEBHOOK_URL$/i
]

/** Whether a variable of this name is kept from every step. */
export const isSecretName = (name: string, secrets: ReadonlyArray<string>): boolean =>
  secretNames.has(name.toUpperCase()) ||
  secrets.includes(name) ||
  secretPatterns.some((pattern) => pattern.test(name))

/**
 * The variables of one attempt, or the reason why it cannot have them: its manifest asks for a secret.
 * A name in `env` that the caller does not have is not an error; the step does not have it either.
 */
export const makeStepVariables = (
  environment: StepEnvironment,
  invocation: StepInvocation
): Either.Either<Record<string, string>, string> => {
  const { mode, secrets, values } = environment
  const asked = invocation.plan.env.find((name) => isSecretName(name, secrets))
  if (asked !== undefined) {
    return Either.left(
      `the step asks for ${asked} in its env, which is a secret of patchmoi and never reaches a step; take it out of flow.toml`
    )
  }
  const withheld = secretValues(environment)
  const again = invocation.plan.env.find((name) => withheld.has(values[name] ?? ""))
  if (again !== undefined) {
    return Either.left(
      `the step asks for ${again} in its env, which has the value of a secret of patchmoi and never reaches a step; give ${again} a value of its own`
    )
  }
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || isSecretName(name, secrets) || withheld.has(value)) continue
    if (mode === "inherit" || isForwarded(environment, name) || invocation.plan.env.includes(name))
      variables[name] = value
  }
  return Either.right(Object.assign(variables, runtimeVariables(environment, invocation)))
}

/** What a step may know about where it runs, with the caller's own variables standing in for what is not given. */
export const resolveRuntime = (environment: StepEnvironment, invocation: StepInvocation) => {
  const workspaceBackendUrl =
    invocation.workspaceBackendUrl ?? environment.values["CODEX_WORKSPACE_BACKEND_WS_URL"]
  const launchedBy = invocation.launchedBy ?? environment.values["CODEX_FLOW_LAUNCHED_BY"]
  return {
    eventId: invocation.event.id,
    runId: invocation.runId,
    attemptId: invocation.attemptId,
    replay: invocation.replay,
    ...(invocation.eventPosition === undefined ? {} : { eventPosition: invocation.eventPosition }),
    ...(workspaceBackendUrl === undefined ? {} : { workspaceBackendUrl }),
    ...(launchedBy === undefined ? {} : { launchedBy }),
    ...(invocation.approval === undefined ? {} : { approval: invocation.approval })
  }
}

// --- internal ---

/** A shorter value is guarded under its own name alone: others have the like of it by chance, such as `1` or `dev`. */
const secretLengthMin = 8

/** The values of the secrets that the caller has. */
const secretValues = ({ values, secrets }: StepEnvironment): ReadonlySet<string> =>
  new Set(
    Object.entries(values).flatMap(([name, value]) =>
      value !== undefined && value.length >= secretLengthMin && isSecretName(name, secrets) ? [value] : []
    )
  )

const isForwarded = ({ forward }: StepEnvironment, name: string): boolean =>
  forward === undefined ? isServiceName(name) : forward.includes(name)

/** The gates, such as `CODEX_FLOW_PUSH`; not what configures patchmoi itself. */
const isServiceName = (name: string): boolean =>
  serviceNames.has(name) ||
  (name.startsWith("CODEX_FLOW_") &&
    !name.startsWith("CODEX_FLOW_BACKEND_") &&
    name !== "CODEX_FLOW_RUNNER_PATH")

const runtimeVariables = (
  environment: StepEnvironment,
  invocation: StepInvocation
): Record<string, string> => {
  const runtime = resolveRuntime(environment, invocation)
  return {
    CODEX_FLOW_EVENT_ID: runtime.eventId,
    CODEX_FLOW_RUN_ID: runtime.runId,
    CODEX_FLOW_ATTEMPT_ID: runtime.attemptId,
    ...(invocation.workerId === undefined ? {} : attemptVariables(runtime.attemptId, invocation.workerId)),
    CODEX_FLOW_REPLAY: runtime.replay ? "1" : "0",
    ...(runtime.workspaceBackendUrl === undefined
      ? {}
      : { CODEX_WORKSPACE_BACKEND_WS_URL: runtime.workspaceBackendUrl }),
    ...(runtime.launchedBy === undefined ? {} : { CODEX_FLOW_LAUNCHED_BY: runtime.launchedBy })
  }
}
