/**
 * Where the document of the API would say something else than the server does: a body that may be left out is not required,
 * fields may be added to answers, output comes in three forms, and every schema can be resolved by any reader.
 */
import type { OpenApiDocument, OpenApiOperation } from "./openApiSecurity.ts"

/** The document, corrected. */
export const asAnswered = <A extends OpenApiDocument>(document: A): A => {
  const schemas = Object.entries(document.components?.schemas ?? {}).filter(([name]) => name !== decodeError)
  return {
    ...document,
    components: { ...document.components, schemas: mapped(Object.fromEntries(schemas), answerSchema) },
    paths: Object.fromEntries(
      Object.entries(document.paths).map(([path, item]) => [
        path,
        Object.fromEntries(
          Object.entries(item).map(([method, operation]) => [method, operationOf(path, operation)])
        )
      ])
    )
  }
}

// --- internal ---

/** The error of the platform's router, which the server never answers with. */
const decodeError = "HttpApiDecodeError"

const outputPath = "/runs/{id}/output"
/** What output comes as besides pages. A schema of the API has one type of content. */
const outputTexts = {
  "text/plain": { schema: { type: "string" } },
  "application/x-ndjson": { schema: { type: "string" } }
}

const operationOf = (path: string, { requestBody, responses, ...operation }: OpenApiOperation) => {
  const answers = mapped(responses, answerSchema)
  const { 200: page } = answers
  const isOutput = path === outputPath && page !== undefined
  return {
    ...mapped(operation, withoutId),
    ...(requestBody === undefined ? {} : { requestBody: bodyOf(requestBody) }),
    responses: isOutput
      ? { ...answers, 200: { ...page, content: { ...page.content, ...outputTexts } } }
      : answers
  }
}

/** An event must be there; what else a body may say has a default. */
const bodyOf = (requestBody: object): object => ({
  ...mapped(requestBody, withoutId),
  required: JSON.stringify(requestBody).includes("#/components/schemas/FlowEvent")
})

type Json = Readonly<Record<string, unknown>>

/** Applies a change to every object of a JSON value, the inner ones first. */
const mapped = <A>(value: A, change: (object: Json) => Json): A => {
  if (Array.isArray(value)) return value.map((each) => mapped(each, change)) as A
  if (typeof value !== "object" || value === null) return value
  const inner = Object.entries(value).map(([key, each]) => [key, mapped(each, change)])
  return change(Object.fromEntries(inner)) as A
}

/** Schemas of anything all have the same `$id`, under which a reader would find more than one. */
const withoutId = ({ $id, ...object }: Json): Json =>
  $id === undefined || typeof $id === "string" ? object : { $id, ...object }

const answerSchema = (object: Json): Json => {
  const { additionalProperties, anyOf, ...schema } = withoutId(object)
  return {
    ...schema,
    // An answer of a newer server may have more fields.
    ...(additionalProperties === undefined || additionalProperties === false ? {} : { additionalProperties }),
    ...(Array.isArray(anyOf) ? { anyOf: anyOf.filter(({ $ref }) => !$ref?.endsWith(`/${decodeError}`)) } : {})
  }
}
