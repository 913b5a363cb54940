/** What the options of `patchmoi serve` and the variables behind them come to. A wrong value is named with those that are right. */
import { executorKindOf, executorNames } from "../../executor/ExecutorKind.ts"
import { isSecretName } from "../../executor/StepEnvironment.ts"
import { backendFolderDefault, type Session } from "../Session.ts"
import { UsageError } from "../UsageError.ts"
import { type VariableName, variable } from "../variables.ts"
import { namesOf, portOf, type ServeFlags, type ServePlan } from "./flags.ts"

/** The port when nobody says. The same as the server's, which this file must not load. */
export const portDefault = 7345

/** The plan. Throws {@link UsageError}. */
export const planOf = (session: Session, flags: ServeFlags): ServePlan => {
  const { env } = session.caller
  const secretName = flags.secretEnv ?? "CODEX_FLOW_BACKEND_SECRET"
  const secret = env[secretName]
  if (flags.secretEnv !== undefined && (secret === undefined || secret === "")) {
    throw new UsageError(`--secret-env names ${secretName}, which is not set`, { option: "--secret-env" })
  }
  const executor = flags.executor ?? variable(env, "CODEX_FLOW_BACKEND_EXECUTOR") ?? "bun"
  const kind = executorKindOf(executor)
  if (kind === undefined) {
    throw new UsageError(
      `CODEX_FLOW_BACKEND_EXECUTOR must be ${orList(executorNames)}; found ${JSON.stringify(executor)}`,
      { option: "CODEX_FLOW_BACKEND_EXECUTOR", expected: executorNames, found: executor }
    )
  }
  const forward = flags.forwardEnv ?? parsed(session, "CODEX_FLOW_BACKEND_FORWARD_ENV", namesOf)
  refuseSecrets(flags, forward ?? [], secretName)
  return {
    host: flags.host ?? variable(env, "CODEX_FLOW_BACKEND_HOST") ?? "127.0.0.1",
    port: flags.port ?? parsed(session, "CODEX_FLOW_BACKEND_PORT", portOf) ?? portDefault,
    executor: kind,
    dataDir: backendFolder(session, flags),
    secretName,
    ...(secret === undefined || secret === "" ? {} : { secret }),
    ...(forward === undefined ? {} : { forward })
  }
}

/** The folder of a backend's record. */
export const backendFolder = (session: Session, { dataDir }: Pick<ServeFlags, "dataDir">): string => {
  const { env } = session.caller
  const given = dataDir ?? variable(env, "DATA_DIR") ?? variable(env, "CODEX_FLOW_BACKEND_DATA_DIR")
  return session.path(given ?? backendFolderDefault)
}

// --- internal ---

const parsed = <A>(session: Session, name: VariableName, parse: (input: string) => A): A | undefined => {
  const value = variable(session.caller.env, name)
  if (value === undefined) return undefined
  try {
    return parse(value)
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause)
    throw new UsageError(`${name} ${problem}`, { option: name, found: value })
  }
}

/** A secret that somebody wants to hand on is a slip: it would be left out in silence. */
const refuseSecrets = (flags: ServeFlags, forward: ReadonlyArray<string>, secretName: string): void => {
  const found = forward.find((name) => isSecretName(name, [secretName]))
  if (found === undefined) return
  const option = flags.forwardEnv === undefined ? "CODEX_FLOW_BACKEND_FORWARD_ENV" : "--forward-env"
  throw new UsageError(`${option} names ${found}, which is a secret and reaches no step; take it out`, {
    option,
    found
  })
}

const orList = (names: ReadonlyArray<string>): string =>
  `${names.slice(0, -1).join(", ")} or ${names.at(-1) ?? ""}`
