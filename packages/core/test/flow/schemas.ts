/** Compiles schemas as a catalog does, for the tests of what they accept. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { PayloadCheck } from "../../src/flow/Flow.ts"
import { makeSchemaCompiler, type SchemaInvalid } from "../../src/flow/JsonSchema.ts"

export const draft07 = "http://json-schema.org/draft-07/schema#"
export const compiler = await Effect.runPromise(makeSchemaCompiler)

export const checkOf = (schema: unknown): PayloadCheck =>
  Either.getOrThrowWith(compiler.compile(JSON.stringify(schema)), (error) => error)

export const refusalOf = (schema: unknown): SchemaInvalid => {
  const compiled = compiler.compile(typeof schema === "string" ? schema : JSON.stringify(schema))
  if (Either.isRight(compiled)) throw new Error("Expected the schema to be refused")
  return compiled.left
}
