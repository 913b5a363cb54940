/**
 * One keep-alive HTTP/1.1 connection that sends requests which were written out beforehand, and reads of the answers only
 * what it takes to know where each ends. A client that does more would be what is measured.
 */
import type { Socket } from "bun"

export interface Connection {
  /** Sends the bytes of one request; gives the status of its answer. One at a time. */
  readonly send: (request: Uint8Array) => Promise<number>
  readonly close: () => void
}

/** The bytes of a POST of JSON. */
export const postBytes = (
  { host }: URL,
  path: string,
  body: string,
  headers: Readonly<Record<string, string>> = {}
): Uint8Array => {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `host: ${host}`,
    "content-type: application/json",
    `content-length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  ]
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n${body}`)
}

/** Connects. A connection that breaks rejects the request that is under way. */
export const connect = async ({ hostname, port }: URL): Promise<Connection> => {
  let waiting: PromiseWithResolvers<number> | undefined
  let unread: Buffer = Buffer.alloc(0)
  let unsent: Uint8Array | undefined
  const broken = (): void => waiting?.reject(new Error("The connection broke"))
  const flush = (socket: Socket): void => {
    if (unsent === undefined) return
    const written = socket.write(unsent)
    unsent = written < unsent.byteLength ? unsent.subarray(written) : undefined
  }
  const socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data: (_, bytes) => {
        unread = unread.byteLength === 0 ? bytes : Buffer.concat([unread, bytes])
        const answer = firstAnswer(unread)
        if (answer === undefined) return
        unread = unread.subarray(answer.bytes)
        waiting?.resolve(answer.status)
      },
      drain: flush,
      error: broken,
      close: broken
    }
  })
  return {
    send: (request) => {
      waiting = Promise.withResolvers<number>()
      unsent = request
      flush(socket)
      return waiting.promise
    },
    close: () => {
      waiting = undefined
      socket.end()
    }
  }
}

// --- internal ---

/** The answer at the front of the bytes, once all of it is there. Its length is told, as it is by `Bun.serve` for a body that is at hand. */
const firstAnswer = (bytes: Buffer): { readonly status: number; readonly bytes: number } | undefined => {
  const headEnd = bytes.indexOf("\r\n\r\n")
  if (headEnd < 0) return undefined
  const head = bytes.toString("latin1", 0, headEnd)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length === undefined) throw new Error(`An answer does not say how long it is:\n${head}`)
  const end = headEnd + 4 + Number(length)
  return bytes.byteLength < end ? undefined : { status: Number(head.slice(9, 12)), bytes: end }
}
