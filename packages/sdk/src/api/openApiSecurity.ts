/**
 * Who may ask, as the document of the API says it: the schemes, and for each route those that it takes. Not by the security of
 * `HttpApi`, which would check it route by route: the server checks every request before it looks for a handler.
 */
import { routes } from "./routes.ts"
import { bodySignatureHeaders, signatureHeader } from "./signing.ts"

/** A document in the form of OpenAPI 3.1, as far as this file looks. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> }
}

/** One method of one path. What else it has is kept as it is. */
export interface OpenApiOperation {
  readonly requestBody?: object
  /** By status, such as `200`; `content` by content type. */
  readonly responses: Readonly<Record<string, { readonly content?: object }>>
}

/** The document with `securitySchemes`, and with `security` at each route: the scheme and the scope that it needs. */
export const withSecurity = <A extends OpenApiDocument>(document: A): A => ({
  ...document,
  components: { ...document.components, securitySchemes: schemes },
  paths: Object.fromEntries(
    Object.entries(document.paths).map(([path, item]) => [
      path,
      Object.fromEntries(
        Object.entries(item).map(([method, operation]) => [
          method,
          { ...operation, security: securityOf(method, path) }
        ])
      )
    ])
  )
})

// --- internal ---

const bodySignatures = bodySignatureHeaders.map(
  (header, index) => [`bodySignature${index + 1}`, header] as const
)

const header = (name: string, description: string) => ({ type: "apiKey", in: "header", name, description })

const schemes = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description:
      "A token of `patchmoi token create`. A server that has neither a secret nor tokens listens on loopback alone and asks for nothing."
  },
  signature: header(
    signatureHeader,
    "`t=<milliseconds>,n=<nonce>,v1=<hex>`: an HMAC-SHA256 under the shared secret of method, path, time, nonce and digest of the body; good once, for 5 minutes."
  ),
  ...Object.fromEntries(
    bodySignatures.map(([scheme, name]) => [
      scheme,
      header(
        name,
        "`sha256=<hex>`: an HMAC-SHA256 of the body under the shared secret, for senders that know no other."
      )
    ])
  )
}

const securityOf = (method: string, path: string): ReadonlyArray<object> => {
  const route = routes.find((known) => known.path === path && known.method === method.toUpperCase())
  if (route === undefined || route.scope === "open") return []
  const bodies = route.name === "dispatch" ? bodySignatures.map(([scheme]) => ({ [scheme]: [] })) : []
  return [{ bearer: [route.scope] }, { signature: [] }, ...bodies]
}
