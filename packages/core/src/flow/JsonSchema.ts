/**
 * JSON Schemas of triggers, compiled to a {@link PayloadCheck}. The one module that knows the validator.
 *
 * Invariants:
 * 1. Draft 2020-12 (the default) and draft-07 (by `$schema`), formats asserted; another dialect is refused.
 *    What the validator gets wrong is corrected (`JsonSchemaEvaluated.ts`) or refused (`unevaluatedItems` with `contains`).
 *    Known to differ: `nullable` beside `type`, which is in neither dialect, is obeyed.
 * 2. Nothing is fetched: a `$ref` leads to the same file, or the schema is refused with the reference named.
 * 3. One schema never sees another: equal `$id`s in two files do not meet.
 * 4. No pattern can make a check slow beyond a bound (`BoundedPattern.ts`); what cannot be decided within it is an
 *    issue, never a fit. `uniqueItems` over objects is quadratic in the list: bound the payload where it comes in.
 *
 * The validator costs about 70 ms in a cold process, so it is loaded when the first compiler is asked for.
 */
import type { ErrorObject, Options, ValidateFunction } from "ajv"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { compileBoundedPattern, PatternTooCostly } from "../internal/jsonSchema/boundedPattern.ts"
import { correctEvaluated } from "../internal/jsonSchema/evaluated.ts"
import { isPattern } from "../internal/jsonSchema/patternParser.ts"
import {
  type Dialect,
  dialectOf,
  findReference,
  isObject,
  messageOf,
  pointerTo,
  readSchema,
  refuseUndecidable,
  type SchemaDocument,
  SchemaInvalid,
  schemaDialects
} from "../internal/jsonSchema/schemaText.ts"
import type { PayloadCheck, PayloadIssue } from "./Flow.ts"

export { SchemaInvalid, schemaBytesMax, schemaDialects } from "../internal/jsonSchema/schemaText.ts"

/** Longest text that can have a format, in UTF-16 code units: formats are tried by built-in patterns, some quadratic. */
export const formatTextLengthMax = 8_192
/** Most issues that one check reports; the last one then says how many were left out. */
export const payloadIssuesMax = 100

/** Compiles schemas. Synchronous, because a catalog compiles a schema when the first event asks for it. */
export interface SchemaCompiler {
  /** The check of one schema text. `SchemaInvalid` when the text cannot be used. */
  readonly compile: (text: string) => Either.Either<PayloadCheck, SchemaInvalid>
}

/** Loads the validator (once in a process) and gives a compiler on it. */
export const makeSchemaCompiler: Effect.Effect<SchemaCompiler> = Effect.promise(() => loadCompiler())

/** The check of one schema text, in one step. Fails with `SchemaInvalid` when the text cannot be used. */
export const compileSchema = Effect.fn("JsonSchema.compileSchema")(function* (text: string) {
  const compiler = yield* makeSchemaCompiler
  return yield* compiler.compile(text)
})

let loaded: Promise<SchemaCompiler> | undefined

const loadCompiler = (): Promise<SchemaCompiler> => {
  loaded ??= load()
  return loaded
}

/** What is used of an Ajv instance; both dialects' classes have it. */
interface Validator {
  readonly refs: Record<string, unknown>
  readonly formats: Record<string, unknown>
  readonly schemas: Record<string, unknown>
  readonly errors?: ReadonlyArray<ErrorObject> | null | undefined
  readonly validateSchema: (schema: SchemaDocument) => unknown
  readonly compile: (schema: SchemaDocument) => ValidateFunction
  readonly removeSchema: (schema: SchemaDocument) => unknown
}

const load = async (): Promise<SchemaCompiler> => {
  const { _, Ajv, Ajv2020, formats, Name } = await import("../internal/jsonSchema/validator.ts")
  const validators = new Map<Dialect, Validator>()
  const validatorOf = (dialect: Dialect): Validator => {
    const known = validators.get(dialect)
    if (known !== undefined) return known
    const modern = dialect === schemaDialects[0]
    // Draft-07 ignores what stands beside `$ref`; later drafts do not.
    const made = modern
      ? new Ajv2020(validatorOptions)
      : new Ajv({ ...validatorOptions, ignoreKeywordsWithRef: true })
    if (modern) {
      const getKeyword = (keyword: string) => made.getKeyword(keyword)
      correctEvaluated({ getKeyword, _, Name })
    }
    formats.default(made)
    boundFormats(made)
    validators.set(dialect, made)
    return made
  }
  return { compile: (text) => compileWith(validatorOf, text) }
}

const validatorOptions: Options = {
  strict: false,
  // Done by hand before, for errors with a pointer.
  validateSchema: false,
  allErrors: true,
  // `toString` and other inherited names do not count as present.
  ownProperties: true,
  logger: false,
  code: { regExp: Object.assign((source: string) => compileBoundedPattern(source), { code: "bounded" }) }
}

/** Puts a bound on the texts that formats are tried on, and reads `regex` as patterns are read. */
const boundFormats = (validator: Validator): void => {
  const { formats } = validator
  for (const [name, format] of Object.entries(formats)) {
    if (format instanceof RegExp) {
      formats[name] = (text: string) => text.length <= formatTextLengthMax && format.test(text)
    }
  }
  formats["regex"] = isPattern
}

const compileWith = (
  validatorOf: (dialect: Dialect) => Validator,
  text: string
): Either.Either<PayloadCheck, SchemaInvalid> =>
  Either.gen(function* () {
    const schema = yield* readSchema(text)
    const dialect = yield* dialectOf(schema)
    yield* refuseUndecidable(schema, dialect)
    const validator = validatorOf(dialect)
    const own = typeof schema === "boolean" ? schema : { ...schema, $schema: dialect }
    const validate = yield* Either.try({
      try: () => compileAlone(validator, own),
      catch: (cause) => (Schema.is(SchemaInvalid)(cause) ? cause : invalidBecause(own, cause))
    })
    return checkWith(validate)
  })

/** Compiles and then forgets every name that the schema brought or took, so that the next one starts clean. */
const compileAlone = (validator: Validator, schema: SchemaDocument): ValidateFunction => {
  const tables = [validator.refs, validator.schemas]
  const before = tables.map((table) => ({ ...table }))
  try {
    if (validator.validateSchema(schema) !== true) throw metaSchemaRefusal(validator.errors ?? [])
    const validate = validator.compile(schema)
    if (typeof schema !== "boolean") validator.removeSchema(schema)
    return validate
  } finally {
    for (const [index, table] of tables.entries()) {
      for (const name of Object.keys(table)) delete table[name]
      Object.assign(table, before[index])
    }
  }
}

const metaSchemaRefusal = (errors: ReadonlyArray<ErrorObject>): SchemaInvalid => {
  // The deepest error is the most telling one; those above it only repeat that something below is wrong.
  const [first] = [...errors].sort((a, b) => b.instancePath.length - a.instancePath.length)
  return new SchemaInvalid({
    pointer: first?.instancePath ?? "",
    reason: first === undefined ? "is not a valid schema" : issueOf(first).message
  })
}

/** What the validator threw while it compiled, as a pointer and a reason. */
const invalidBecause = (schema: SchemaDocument, cause: unknown): SchemaInvalid => {
  const missing = isObject(cause) && typeof cause["missingRef"] === "string" ? cause["missingRef"] : undefined
  if (missing !== undefined) {
    const found = findReference(schema, missing)
    return new SchemaInvalid({
      pointer: found?.pointer ?? "",
      reason: `refers to ${JSON.stringify(found?.reference ?? missing)}, which is not in this file; schemas are never fetched`
    })
  }
  const source = isObject(cause) && typeof cause["source"] === "string" ? cause["source"] : undefined
  return new SchemaInvalid({
    pointer: (source === undefined ? undefined : pointerTo(schema, (_, value) => value === source)) ?? "",
    reason: `cannot be compiled: ${messageOf(cause)}`
  })
}

const checkWith =
  (validate: ValidateFunction): PayloadCheck =>
  (payload) => {
    try {
      if (validate(payload)) return []
      const errors = validate.errors ?? []
      const issues = errors.slice(0, payloadIssuesMax).map(issueOf)
      return errors.length > payloadIssuesMax
        ? [...issues, undecided("maxIssues", `has ${errors.length - payloadIssuesMax} further issues`)]
        : issues
    } catch (cause) {
      if (cause instanceof PatternTooCostly) return [undecided("pattern", `has a text that ${cause.message}`)]
      if (cause instanceof RangeError) return [undecided("$ref", "is nested too deep to be checked")]
      throw cause
    } finally {
      validate.errors = null
    }
  }

const undecided = (keyword: string, message: string): PayloadIssue => ({ pointer: "", keyword, message })

const issueOf = (error: ErrorObject): PayloadIssue => ({
  pointer: error.instancePath,
  keyword: error.keyword,
  message: readable(error)
})

const readable = (error: ErrorObject): string => {
  const params: Record<string, unknown> = error.params
  switch (error.keyword) {
    case "enum":
      return `must be one of ${brief(params["allowedValues"])}`
    case "const":
      return `must be ${brief(params["allowedValue"])}`
    case "additionalProperties":
      return `must not have the property ${brief(params["additionalProperty"])}`
    case "unevaluatedProperties":
      return `must not have the property ${brief(params["unevaluatedProperty"])}`
    case "required":
      return `must have the property ${brief(params["missingProperty"])}`
    case "false schema":
      return "is not allowed here"
    default:
      return error.message ?? `does not fit ${error.keyword}`
  }
}

/** Longest value that a message quotes, in characters. */
const quotedLengthMax = 200

const brief = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "undefined"
  return text.length > quotedLengthMax ? `${text.slice(0, quotedLengthMax)}…` : text
}
