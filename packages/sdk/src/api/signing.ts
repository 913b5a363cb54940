/**
 * How a request is signed, for the client that signs and the server that checks.
 *
 * The header {@link signatureHeader} is `t=<time>,n=<nonce>,v1=<hex>`: an HMAC-SHA256, under the shared secret, of method,
 * path with query, time, nonce and the digest of the body. A captured request can neither be changed nor be sent again: the
 * server refuses a time that is more than {@link signatureAgeMillisMax} off, and a nonce that it saw in that time.
 */

/** The header of a signed request. */
export const signatureHeader = "x-patchmoi-signature"

/** The headers of earlier clients: `sha256=<hex>` of the body alone. The second counts where the first is absent. */
export const bodySignatureHeaders = ["x-flow-signature-256", "x-patch-flow-signature-256"] as const

/** How far the time of a signature may be from the server's, in milliseconds (5 minutes). */
export const signatureAgeMillisMax = 300_000

/** Longest nonce, in characters. */
export const nonceLengthMax = 64

/** What of a request is signed. */
export interface SignedRequest {
  /** In capitals, such as `POST`. */
  readonly method: string
  /** Path and query as `URL` writes them, such as `/runs?eventId=it%27s`: the server sees them in no other form. */
  readonly target: string
  /** Milliseconds since the Unix epoch. */
  readonly timeMillis: number
  /** Letters, digits, `-` and `_`; never used twice. */
  readonly nonce: string
  /** SHA-256 of the body, in lower-case hexadecimal digits; of no bytes when there is no body. */
  readonly bodyDigest: string
}

/** The text under the HMAC. */
export const signedText = ({ method, target, timeMillis, nonce, bodyDigest }: SignedRequest): string =>
  `${method}\n${target}\n${timeMillis}\n${nonce}\n${bodyDigest}`

/** The value of the header. */
export const formatSignature = (
  { timeMillis, nonce }: Pick<SignedRequest, "timeMillis" | "nonce">,
  hmac: string
): string => `t=${timeMillis},n=${nonce},v1=${hmac}`

/** What a header says; undefined when it is none of ours. */
export const parseSignature = (
  header: string
): { readonly timeMillis: number; readonly nonce: string; readonly hmac: string } | undefined => {
  const parts = /^t=(\d{1,15}),n=([A-Za-z0-9_-]{8,64}),v1=([0-9a-f]{64})$/.exec(header)
  const [, time, nonce, hmac] = parts ?? []
  return time === undefined || nonce === undefined || hmac === undefined
    ? undefined
    : { timeMillis: Number(time), nonce, hmac }
}

/** Makes the header of a request with the Web Crypto of the platform: Bun, Node 20 and browsers have it. */
export const signRequest = async (
  secret: string,
  request: Pick<SignedRequest, "method" | "target" | "timeMillis"> & { readonly body?: string }
): Promise<string> => {
  const { subtle } = globalThis.crypto
  const nonce = globalThis.crypto.randomUUID()
  const bodyDigest = hex(await subtle.digest("SHA-256", utf8(request.body ?? "")))
  const key = await subtle.importKey("raw", utf8(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"])
  const text = signedText({ ...request, nonce, bodyDigest })
  return formatSignature(
    { timeMillis: request.timeMillis, nonce },
    hex(await subtle.sign("HMAC", key, utf8(text)))
  )
}

// --- internal ---

const utf8 = (text: string) => new TextEncoder().encode(text)

const hex = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("")
