/** Reading a descriptor to its end, or to a bound. Synchronous: the asynchronous file handles of `node:fs/promises` cost 13 ms to load. */
import { readSync } from "node:fs"

/** Bytes that are asked for at a time. */
const chunkBytes = 65_536

/** At most this many bytes; a caller that must know whether there are more asks for one more. Throws what the system says. */
export const readBounded = (descriptor: number, bytesMax: number): Uint8Array => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  while (size < bytesMax) {
    const buffer = new Uint8Array(Math.min(chunkBytes, bytesMax - size))
    const read = readOnce(descriptor, buffer)
    if (read === 0) break
    chunks.push(buffer.subarray(0, read))
    size += read
  }
  return Buffer.concat(chunks)
}

// --- internal ---

const readOnce = (descriptor: number, buffer: Uint8Array): number => {
  while (true) {
    try {
      return readSync(descriptor, buffer)
    } catch (cause) {
      const code = cause instanceof Error && "code" in cause ? cause.code : undefined
      if (code === "EOF") return 0
      if (code !== "EAGAIN") throw cause
      // The pipe is non-blocking and empty: its writer needs a moment.
      Bun.sleepSync(1)
    }
  }
}
