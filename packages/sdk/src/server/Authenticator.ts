/**
 * Decides who a request is from. A server with a secret, or with tokens, answers nobody without proof but on open routes:
 * a bearer token, our signature over the whole request, or, for an event that comes in, the signature of earlier clients
 * over its body.
 */
import { createHash, createHmac, timingSafeEqual } from "node:crypto"
import type { Route } from "../api/routes.ts"
import {
  bodySignatureHeaders,
  parseSignature,
  signatureAgeMillisMax,
  signatureHeader,
  signedText
} from "../api/signing.ts"
import { anonymous, bodySigner, type Caller, secretHolder } from "./Caller.ts"
import { HttpFailure } from "./HttpFailure.ts"
import { Nonces } from "./Nonces.ts"
import type { TokenFile } from "./TokenFile.ts"
import { callerOfToken } from "./Tokens.ts"

/** What of a request counts. */
export interface ProofOfRequest {
  readonly headers: Headers
  readonly method: string
  /** Path and query as they came. */
  readonly target: string
  readonly body: Uint8Array
  readonly route: Route
  readonly nowMillis: number
}

/** Knows the callers of one server. It keeps the nonces of signatures, so that each one is good once. */
export interface Authenticator {
  /** The caller; throws {@link HttpFailure} without proof, or when it may not do this. */
  readonly callerOf: (request: ProofOfRequest) => Caller
  /**
   * Whether a caller that was let in would be let in still: its token was not revoked, and an open server was not closed.
   * Whoever knows the secret does as long as the server runs.
   */
  readonly mayGoOn: (
    caller: Caller,
    request: Pick<ProofOfRequest, "headers" | "route" | "nowMillis">
  ) => boolean
}

/** Makes one. Without a secret, and without a file of tokens, everybody is let in as {@link anonymous}. */
export const makeAuthenticator = (options: {
  readonly secret?: string
  readonly tokens?: TokenFile
  readonly nonces?: Nonces
}): Authenticator => {
  const { secret, tokens } = options
  const nonces = options.nonces ?? new Nonces()

  const isClosed = (nowMillis: number): boolean => secret !== undefined || tokens?.exists(nowMillis) === true

  const bearerOf = (authorization: string, nowMillis: number): Caller | undefined => {
    const token = /^bearer +(\S+) *$/i.exec(authorization)?.[1]
    return token === undefined ? undefined : callerOfToken(tokens?.current(nowMillis) ?? new Map(), token)
  }

  const proven = (request: ProofOfRequest): Caller => {
    const { headers, nowMillis } = request
    const authorization = headers.get("authorization")
    if (authorization !== null) {
      const caller = bearerOf(authorization, nowMillis)
      if (caller === undefined)
        throw unauthorized("The bearer token is unknown or was revoked", "authorization")
      return caller
    }
    const signature = headers.get(signatureHeader)
    if (signature !== null) {
      if (secret === undefined)
        throw unauthorized("This server has no secret to check signatures with", signatureHeader)
      checkSignature(secret, signature, request, nonces)
      return secretHolder
    }
    const bodySignature = bodySignatureHeaders.find((name) => headers.has(name))
    if (bodySignature !== undefined && secret !== undefined && request.route.name === "dispatch") {
      if (!isBodySignature(secret, headers.get(bodySignature) ?? "", request.body)) {
        throw unauthorized("The signature does not fit the body", bodySignature)
      }
      return bodySigner
    }
    throw unauthorized("This request needs a signature or a bearer token")
  }

  return {
    callerOf: (request) => {
      const { scope } = request.route
      if (!isClosed(request.nowMillis) || scope === "open") return anonymous
      const caller = proven(request)
      if (!caller.scopes.has(scope)) {
        throw new HttpFailure("Forbidden", `This needs the scope ${scope}, which the caller does not have`, {
          details: { scope, scopes: [...caller.scopes] }
        })
      }
      return caller
    },
    mayGoOn: (caller, { headers, nowMillis, route }) => {
      if (route.scope === "open") return true
      if (caller === anonymous) return !isClosed(nowMillis)
      const authorization = headers.get("authorization")
      return authorization === null || bearerOf(authorization, nowMillis)?.scopes.has(route.scope) === true
    }
  }
}

// --- internal ---

const unauthorized = (message: string, field?: string): HttpFailure =>
  new HttpFailure("Unauthorized", message, field === undefined ? {} : { field })

const checkSignature = (
  secret: string,
  header: string,
  { method, target, body, nowMillis }: ProofOfRequest,
  nonces: Nonces
): void => {
  const signature = parseSignature(header)
  if (signature === undefined) {
    throw new HttpFailure(
      "Unauthorized",
      "The signature is not of the form t=<milliseconds>,n=<nonce>,v1=<hex>",
      {
        field: signatureHeader
      }
    )
  }
  const { timeMillis, nonce, hmac } = signature
  const bodyDigest = createHash("sha256").update(body).digest("hex")
  const text = signedText({ method, target, timeMillis, nonce, bodyDigest })
  if (!isEqual(createHmac("sha256", secret).update(text).digest(), Buffer.from(hmac, "hex"))) {
    throw unauthorized("The signature does not fit the request", signatureHeader)
  }
  if (Math.abs(nowMillis - timeMillis) > signatureAgeMillisMax) {
    throw new HttpFailure("Unauthorized", "The signature is too old, or of the future", {
      field: signatureHeader,
      hint: "Sign anew; the clocks of client and server may differ by 5 minutes.",
      details: { serverTimeMillis: nowMillis }
    })
  }
  const verdict = nonces.take(nonce, timeMillis, nowMillis)
  if (verdict === "seen") throw unauthorized("This signature was used before", signatureHeader)
  if (verdict === "full") {
    throw new HttpFailure(
      "RateLimited",
      "Too many signed requests at once; bearer tokens have no such limit",
      {
        retryAfterSeconds: 10
      }
    )
  }
}

const isBodySignature = (secret: string, header: string, body: Uint8Array): boolean => {
  // Lower-case digits only, as earlier servers had it.
  const hmac = /^sha256=([0-9a-f]{64})$/.exec(header)?.[1]
  return (
    hmac !== undefined &&
    isEqual(createHmac("sha256", secret).update(body).digest(), Buffer.from(hmac, "hex"))
  )
}

const isEqual = (left: Buffer, right: Buffer): boolean =>
  left.byteLength === right.byteLength && timingSafeEqual(left, right)
