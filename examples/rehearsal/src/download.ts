/** Reads one answer of a registry whole: within a time, within a size, and with words for whatever goes wrong. */
import { insist, RehearsalFailed } from "./narrator.ts"

/** Longest time for one answer of the registry with its body, in milliseconds. */
export const answerMillisMax = 60_000

/** What is read. */
export interface Download {
  readonly url: string
  /** What messages call it: "the document of left-pad". */
  readonly what: string
  /** Largest body, in bytes after decompression. */
  readonly bytesMax: number
  /** What a user is told when it is not there (404). Default: that the registry answered 404. */
  readonly absent?: string
}

/** Gives the body of an answer. Throws `RehearsalFailed`, whose message never has the credentials of a URL. */
export const download = async ({ url, what, bytesMax, absent }: Download): Promise<Uint8Array> => {
  insist(URL.canParse(url), `The registry gives no usable address for ${what}`)
  const response = await reaching(url, what, () =>
    fetch(url, {
      headers: { accept: "application/json, */*" },
      signal: AbortSignal.timeout(answerMillisMax)
    })
  )
  if (!response.ok) await response.body?.cancel()
  insist(response.status !== 404 || absent === undefined, absent ?? "")
  insist(response.ok, `The registry answered ${response.status} for ${what} at ${shown(url)}`)
  const bytes = await reaching(url, what, () => bytesWithin(response, bytesMax))
  insist(
    bytes !== undefined,
    `${what} at ${shown(url)} is larger than the ${mebibytes(bytesMax)} that are read`
  )
  return bytes
}

/** A URL as a message may show it: without user name, password, query and fragment. */
export const shown = (url: string): string => {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

// --- internal ---

const mebibytes = (bytes: number): string => `${bytes / 1024 / 1024} MiB`

const reaching = async <A>(url: string, what: string, read: () => Promise<A>): Promise<A> => {
  try {
    return await read()
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replaceAll(url, shown(url))
    throw new RehearsalFailed(`The registry cannot be reached for ${what} at ${shown(url)}: ${reason}`)
  }
}

/** The body, or undefined as soon as more than `bytesMax` have come: the rest is not waited for. */
const bytesWithin = async ({ body }: Response, bytesMax: number): Promise<Uint8Array | undefined> => {
  const pieces: Array<Uint8Array> = []
  let length = 0
  // Leaving the loop early cancels the body, and with it the connection.
  for await (const piece of body ?? []) {
    length += piece.length
    if (length > bytesMax) return undefined
    pieces.push(piece)
  }
  return Buffer.concat(pieces, length)
}
