/** Which backend the events of a source go to: the fields of its target, then the variables of the service. */
import type { RemoteBackend } from "@patchmoi/core/dispatch/RemoteBackend"
import * as Either from "effect/Either"
import { isWorkspaceTarget, type SourceTarget, type WorkspaceTarget } from "../intake/Source.ts"

/** The variables of a process. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The variables that name a backend for every source, the first that is set counts. */
export const backendUrlNames = [
  "PATCH_WORKSPACE_BACKEND_URL",
  "PATCH_FLOW_BACKEND_URL",
  "PATCH_FLOW_DISPATCH_URL"
] as const

/** The variables that hold the secret of such a backend, the first that is set counts. */
export const backendSecretNames = ["PATCH_WORKSPACE_BACKEND_SECRET", "PATCH_FLOW_DISPATCH_SECRET"] as const

/** Why the target of a source cannot be reached, in the form of a wrong field. */
export interface TargetProblem {
  /** The field of the target; "" for one that a variable for all sources brings. */
  readonly field: string
  readonly expected: string
  readonly found: string
}

/**
 * The backend of a target, or none when the flows here run its events. A variable that the target names and that is not
 * set is a problem, unless an earlier choice decides: events are not run here because of a typo.
 */
export const remoteBackendOf = (
  target: SourceTarget | undefined,
  variables: Variables
): Either.Either<RemoteBackend | undefined, TargetProblem> =>
  Either.gen(function* () {
    if (!isWorkspaceTarget(target)) return undefined
    const address = yield* addressOf(target, variables)
    if (address === undefined) return undefined
    const url = yield* toBaseUrl(address)
    const secretEnv = yield* secretNameOf(target, variables)
    return secretEnv === undefined ? { url } : { url, secretEnv }
  })

// --- internal ---

interface Address {
  readonly field: string
  readonly text: string
}

type Checked<A> = Either.Either<A, TargetProblem>

const addressOf = (target: WorkspaceTarget, variables: Variables): Checked<Address | undefined> => {
  for (const field of ["workspaceUrl", "dispatchUrl"] as const) {
    const text = target[field]
    if (text !== undefined) return Either.right({ field, text })
  }
  const named = ["workspaceUrlEnv", "dispatchUrlEnv"] as const
  const found = named.flatMap((field) => {
    const text = valueOf(variables, target[field])
    return text === undefined ? [] : [{ field, text }]
  })[0]
  if (found !== undefined) return Either.right(found)
  const unset = named.find((field) => target[field] !== undefined)
  if (unset !== undefined) return Either.left(notSet(unset, target[unset]))
  const forAll = backendUrlNames.map((name) => valueOf(variables, name)).find((text) => text !== undefined)
  return Either.right(forAll === undefined ? undefined : { field: "", text: forAll })
}

const secretNameOf = (target: WorkspaceTarget, variables: Variables): Checked<string | undefined> => {
  const named = ["workspaceSecretEnv", "dispatchSecretEnv"] as const
  const given = named.find((field) => target[field] !== undefined)
  if (given === undefined) {
    return Either.right(backendSecretNames.find((name) => valueOf(variables, name) !== undefined))
  }
  const set = named.find((field) => valueOf(variables, target[field]) !== undefined)
  return set === undefined ? Either.left(notSet(given, target[given])) : Either.right(target[set])
}

/** An empty variable is one that is not set. */
const valueOf = (variables: Variables, name: string | undefined): string | undefined => {
  const value = name === undefined ? undefined : variables[name]
  return value === "" ? undefined : value
}

const notSet = (field: string, name: string | undefined): TargetProblem => ({
  field,
  expected: "the name of a variable that is set",
  found: `${name}, which is not set`
})

/** The base of a server: earlier sources name the route for events, which is taken off. The address itself is not shown. */
const toBaseUrl = ({ field, text }: Address): Checked<string> => {
  const problem = (found: string) =>
    Either.left({
      field,
      expected: "an http:// or https:// URL without a user name, a password or a query",
      found
    })
  if (!URL.canParse(text)) return problem("a text that is no URL")
  const { protocol, username, password, search, hash, origin, pathname } = new URL(text)
  if (protocol !== "http:" && protocol !== "https:") return problem(`a ${protocol}// URL`)
  if (username !== "" || password !== "") return problem("one with a user name or a password")
  if (search !== "" || hash !== "") return problem("one with a query or a fragment")
  return Either.right(origin + pathname.replace(/\/+$/, "").replace(/\/(flow-)?events$/, ""))
}
