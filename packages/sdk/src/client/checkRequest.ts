/**
 * What a call asks for, as a request: for a server, and for the service on this machine, which refuses what a server would,
 * with the error that a client of a server has of it.
 */
import * as Effect from "effect/Effect"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import { requestIssue } from "../api/requestIssue.ts"
import { BackendRefused } from "./http/HttpErrors.ts"

/** The options of a call as parameters; those that are absent stay so. */
export const queryOf = (options: object): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(bodyOf(options)).map(([name, value]) => [name, String(value)]))

/** The options of a call as the fields of a body; those that are absent stay so. */
export const bodyOf = (options: object): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(options).filter(([name, value]) => value !== undefined && name !== "signal")
  )

/** Refuses parameters or a body that the schema of their route does not take. */
export const checkRequest = <A, I>(
  schema: Schema.Schema<A, I>,
  given: Readonly<Record<string, unknown>>
): Effect.Effect<void, BackendRefused> =>
  Effect.mapError(
    Effect.asVoid(Schema.decodeUnknown(schema)(given)),
    (error) =>
      new BackendRefused({
        status: 400,
        code: "InvalidRequest",
        ...requestIssue(ParseResult.ArrayFormatter.formatErrorSync(error))
      })
  )
