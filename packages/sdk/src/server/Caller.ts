/** Who asks, as far as the server knows: what it may do, and the name under which its writes are recorded. */
import * as Context from "effect/Context"

/** What a token may be allowed. `read` looks, `dispatch` takes events in, `operate` replays, cancels, decides and syncs. */
export const scopes = ["read", "dispatch", "operate"] as const
/** One thing that a token may be allowed. A caller has any number of them; none includes another. */
export type Scope = (typeof scopes)[number]

/** Who a request is from, by what it proved. The limit of requests is for all that come under one name. */
export interface Caller {
  /** The name in facts: `http`, `http:secret`, `http:token:<name>`. */
  readonly by: string
  readonly scopes: ReadonlySet<Scope>
}

/** Whoever asks a server that asks for no proof: it listens on loopback only. */
export const anonymous: Caller = { by: "http", scopes: new Set(scopes) }

/** Whoever knows the shared secret. */
export const secretHolder: Caller = { by: "http:secret", scopes: new Set(scopes) }

/** Whoever signed a body in the old way: all that is known is that an event comes from them. */
export const bodySigner: Caller = { by: "http:secret", scopes: new Set(["dispatch"]) }

/** The caller of the request that is being served. */
export class CurrentCaller extends Context.Reference<CurrentCaller>()("@patchmoi/sdk/CurrentCaller", {
  defaultValue: () => anonymous
}) {}
