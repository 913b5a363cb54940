/** Reads the body of a request: bounded in bytes and in time, of a content type that is JSON, as text and as a value. */
import type { BodyDeadlines } from "./BodyDeadlines.ts"
import { HttpFailure } from "./HttpFailure.ts"

/** How deep a body may nest, counted over the whole of it; deeper than the payload of any event may. */
export const bodyDepthMax = 128

/** Up to which length a body is read in one go, in bytes. */
const smallBytesMax = 65_536

/** What the body of one request may cost the server. */
export interface BodyLimits {
  /** Largest body, in bytes; nothing beyond it is kept. */
  readonly bodyBytesMax: number
  /** How long it may take: those of the whole server. */
  readonly deadlines: BodyDeadlines
}

/** Throws {@link HttpFailure} when the body is said to be something else than JSON. An absent type is taken for JSON. */
export const checkContentType = (request: Request): void => {
  const type = request.headers.get("content-type")
  if (type === null) return
  const [kind = "", ...parameters] = type.split(";").map((part) => part.trim().toLowerCase())
  const isJson = kind === "application/json" || (kind.startsWith("application/") && kind.endsWith("+json"))
  if (!isJson)
    throw new HttpFailure(
      "UnsupportedMediaType",
      `Expected a JSON body, found ${kind.slice(0, 100)}`,
      typeHint
    )
  const charset = parameters.find((parameter) => parameter.startsWith("charset="))?.slice(8)
  if (charset !== undefined && !["utf-8", "utf8", '"utf-8"'].includes(charset)) {
    throw new HttpFailure("UnsupportedMediaType", `Expected UTF-8, found ${charset.slice(0, 100)}`, typeHint)
  }
  const encoding = request.headers.get("content-encoding")
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new HttpFailure(
      "UnsupportedMediaType",
      `Expected a body that is not encoded, found ${encoding.slice(0, 100)}`,
      {
        field: "content-encoding"
      }
    )
  }
}

/** The bytes of the body; none when there is no body. Throws {@link HttpFailure} for one that is too large or too slow. */
export const readBytes = async (
  request: Request,
  { bodyBytesMax, deadlines }: BodyLimits
): Promise<Uint8Array> => {
  const announced = request.headers.get("content-length")
  if (announced !== null && Number(announced) > bodyBytesMax) throw tooLarge(bodyBytesMax)
  // Before the body is looked at, which would make a stream of it.
  if (announced !== null && Number(announced) <= smallBytesMax) {
    return deadlines.inTime(request.bytes()).catch(refuseBroken)
  }
  if (request.body === null) return new Uint8Array()
  const reader = request.body.getReader()
  try {
    return await deadlines.inTime(readPieces(reader, bodyBytesMax)).catch(refuseBroken)
  } finally {
    // The rest of what was refused is not wanted; a connection that is gone has none.
    void reader.cancel().catch(() => undefined)
  }
}

/** The value of a JSON body; throws {@link HttpFailure} when it is none. An empty body is `empty`, where that is given. */
export const parseJson = (bytes: Uint8Array, empty?: unknown): unknown => {
  if (bytes.byteLength === 0) {
    if (empty !== undefined) return empty
    throw new HttpFailure("InvalidJson", "Expected a JSON body, found none", { field: "" })
  }
  const text = decodeUtf8(bytes)
  if (isDeeperThan(text, bodyDepthMax)) {
    throw new HttpFailure("InvalidJson", `The body nests deeper than ${bodyDepthMax} levels`)
  }
  try {
    return JSON.parse(text)
  } catch {
    throw new HttpFailure("InvalidJson", "The body is not JSON", {
      hint: "Send one JSON value, in UTF-8, as the whole body."
    })
  }
}

// --- internal ---

const typeHint = { field: "content-type", hint: "Send application/json." }

const tooLarge = (bytesMax: number): HttpFailure =>
  new HttpFailure("BodyTooLarge", `The body is larger than ${bytesMax} bytes`, { details: { bytesMax } })

const readPieces = async (
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read">,
  bodyBytesMax: number
): Promise<Uint8Array> => {
  const pieces: Array<Uint8Array> = []
  let length = 0
  while (true) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(pieces)
    length += value.byteLength
    if (length > bodyBytesMax) throw tooLarge(bodyBytesMax)
    pieces.push(value)
  }
}

/** A connection that broke off while it sent has nobody left to be told. */
const refuseBroken = (cause: unknown): never => {
  throw cause instanceof HttpFailure ? cause : new HttpFailure("InvalidRequest", "The body broke off")
}

const decodeUtf8 = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    throw new HttpFailure("InvalidJson", "The body is not UTF-8")
  }
}

/** Counts brackets outside of strings: the parser itself would go as deep as its stack. */
const isDeeperThan = (text: string, depthMax: number): boolean => {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === 0x5c) at += 1
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      depth += 1
      if (depth > depthMax) return true
    } else if (code === 0x5d || code === 0x7d) depth -= 1
  }
  return false
}
