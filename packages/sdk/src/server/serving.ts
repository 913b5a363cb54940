/** What every plain route of a server has at hand. */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as ParseResult from "effect/ParseResult"
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"
import { requestIssue } from "../api/requestIssue.ts"
import type { Flow } from "../Flow.ts"
import type { Caller } from "./Caller.ts"
import { HttpFailure } from "./HttpFailure.ts"
import type { Metrics } from "./Metrics.ts"
import type { ServerSettings } from "./ServerOptions.ts"

/** One server at work: the flow that it serves, and what all of its requests share. `FlowServer.make` makes it. */
export interface Serving {
  readonly flow: typeof Flow.Service
  readonly settings: ServerSettings
  readonly metrics: Metrics
  readonly runtime: Runtime.Runtime<never>
  /** Aborted when the server stops: what streams ends then. */
  readonly stopping: AbortSignal
}

/** A request whose caller is known and whose body was read. */
export interface Admitted {
  readonly request: Request
  readonly url: URL
  readonly id: string | undefined
  readonly body: Uint8Array
  readonly caller: Caller
  /** Whether the caller would be let in still: for what goes on. */
  readonly mayGoOn: () => boolean
}

/** Runs an effect of the service; rejects with the error itself. With a signal, an abort interrupts it. */
export const runEffect = async <A, E>(
  { runtime }: Serving,
  effect: Effect.Effect<A, E>,
  signal?: AbortSignal
): Promise<A> => {
  const exit = await Runtime.runPromiseExit(runtime)(effect, signal === undefined ? {} : { signal })
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/** The parameters of a request; throws {@link HttpFailure} for one that is unknown, twice there, or wrong. */
export const decodeQuery = <A, I>(schema: Schema.Schema<A, I>, parameters: URLSearchParams): A => {
  const given: Record<string, string> = {}
  for (const [name, value] of parameters) {
    if (Object.hasOwn(given, name)) {
      throw new HttpFailure("InvalidRequest", "A parameter is there twice", { field: name.slice(0, 100) })
    }
    Object.defineProperty(given, name, { value, enumerable: true })
  }
  return Either.getOrThrowWith(Schema.decodeUnknownEither(schema)(given), invalidRequest)
}

/** The refusal of a request that does not fit a schema. */
export const invalidRequest = (error: ParseResult.ParseError): HttpFailure =>
  issueFailure(ParseResult.ArrayFormatter.formatErrorSync(error))

/** The refusal that the first issue is told as. */
export const issueFailure = (issues: ReadonlyArray<ParseResult.ArrayFormatterIssue>): HttpFailure => {
  const { reason, ...where } = requestIssue(issues)
  return new HttpFailure("InvalidRequest", reason, where)
}
