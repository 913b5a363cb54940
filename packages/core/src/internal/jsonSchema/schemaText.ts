/** Texts of JSON Schemas before any validator sees them: size, syntax, dialect, and where in them something stands. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { isDeeperThan } from "../isDeeperThan.ts"

/** Largest schema file, in bytes (1 MiB). */
export const schemaBytesMax = 1_048_576
/** Deepest nesting of objects and arrays in a schema. */
export const schemaDepthMax = 500
/** The dialects that `$schema` may name. A trailing `#` is allowed. */
export const schemaDialects = [
  "https://json-schema.org/draft/2020-12/schema",
  "http://json-schema.org/draft-07/schema"
] as const

/** A text is not a JSON Schema that can be used: what is wrong, and where in the schema. */
export class SchemaInvalid extends Schema.TaggedError<SchemaInvalid>("@patchmoi/core/SchemaInvalid")(
  "SchemaInvalid",
  {
    /** RFC 6901 pointer into the schema; empty for the whole of it. */
    pointer: Schema.String,
    reason: Schema.String
  }
) {
  override get message(): string {
    return this.pointer === ""
      ? `The JSON Schema ${this.reason}`
      : `The JSON Schema at ${this.pointer} ${this.reason}`
  }
}

export type Dialect = (typeof schemaDialects)[number]

/** A schema as JSON has it. */
export type SchemaDocument = { readonly [key: string]: unknown } | boolean

/** The document of a schema text. */
export const readSchema = (text: string): Either.Either<SchemaDocument, SchemaInvalid> => {
  if (text.length > schemaBytesMax || new TextEncoder().encode(text).byteLength > schemaBytesMax) {
    return invalid("", `is larger than ${schemaBytesMax} bytes`)
  }
  const parsed = Either.try({
    try: (): unknown => JSON.parse(text),
    catch: (cause) => new SchemaInvalid({ pointer: "", reason: `is not JSON: ${messageOf(cause)}` })
  })
  return Either.flatMap(parsed, (schema): Either.Either<SchemaDocument, SchemaInvalid> => {
    if (typeof schema === "boolean") return Either.right(schema)
    if (!isObject(schema)) return invalid("", "must be an object or a boolean")
    // The validator would answer such a schema with a promise, which is not in any dialect.
    if ("$async" in schema)
      return invalid("/$async", "asks for asynchronous validation, which is no JSON Schema")
    return isDeeperThan(schema, schemaDepthMax)
      ? invalid("", `nests objects and arrays deeper than ${schemaDepthMax}`)
      : Either.right(schema)
  })
}

/** The dialect that a schema is written in; 2020-12 when it does not say. */
export const dialectOf = (schema: SchemaDocument): Either.Either<Dialect, SchemaInvalid> => {
  const named: unknown = typeof schema === "boolean" ? undefined : schema["$schema"]
  if (named === undefined) return Either.right(schemaDialects[0])
  const dialect = schemaDialects.find((each) => named === each || named === `${each}#`)
  return dialect === undefined
    ? invalid("/$schema", `names ${JSON.stringify(named)}; supported are ${schemaDialects.join(" and ")}`)
    : Either.right(dialect)
}

/**
 * Refuses the one pair of keywords that the validator cannot decide: it takes every item as evaluated once
 * `contains` holds, so `unevaluatedItems` in the same schema would let items through.
 */
export const refuseUndecidable = (
  schema: SchemaDocument,
  dialect: Dialect
): Either.Either<void, SchemaInvalid> => {
  if (dialect !== schemaDialects[0]) return Either.void
  const isSchema = (value: unknown): boolean => value === false || isObject(value)
  const pointer = pointerTo(schema, (key, value) => key === "unevaluatedItems" && isSchema(value))
  const contains = pointerTo(
    schema,
    (key, value) => key === "contains" && (value === true || isSchema(value))
  )
  return pointer === undefined || contains === undefined
    ? Either.void
    : invalid(pointer, `stands with contains (${contains}); the two together are not supported`)
}

const referenceKeywords = new Set(["$ref", "$dynamicRef"])

/** Where the reference stands that the validator, which knows it resolved, could not follow. */
export const findReference = (
  schema: unknown,
  missing: string
): { readonly pointer: string; readonly reference: string } | undefined => {
  let reference = ""
  const names = (key: string, value: unknown): boolean => {
    if (!referenceKeywords.has(key) || typeof value !== "string") return false
    reference = value
    return value === missing || missing.endsWith(value.replace(/^(\.{0,2}\/)+/, ""))
  }
  const pointer = pointerTo(schema, names)
  return pointer === undefined ? undefined : { pointer, reference }
}

/** The pointer to the first member that the predicate names, in document order. */
export const pointerTo = (
  value: unknown,
  isIt: (key: string, value: unknown) => boolean,
  pointer = ""
): string | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  for (const [key, member] of Object.entries(value)) {
    const at = `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`
    if (isIt(key, member)) return at
    const deeper = pointerTo(member, isIt, at)
    if (deeper !== undefined) return deeper
  }
  return undefined
}

const invalid = (pointer: string, reason: string): Either.Either<never, SchemaInvalid> =>
  Either.left(new SchemaInvalid({ pointer, reason }))

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The words of whatever was thrown. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))
