/**
 * Keeps the output of one attempt within its bound: the head and the tail stay, what lies between is left out and
 * the offsets say how many bytes that is. Memory holds the sizes of the tail's pieces, never their text.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { OutputChunk } from "../executor/Executor.ts"
import type { Driver, OutputRecord } from "../store/Driver.ts"
import type { StoreError } from "../store/Log.ts"

/** Longest text of one kept piece, in UTF-16 code units; longer chunks are split. */
const pieceLengthMax = 16_384

const encoder = new TextEncoder()

/** A writer for one attempt that keeps at most `bytesMax` bytes, half of them from the head. */
export const make = (
  outputs: Driver["outputs"],
  attemptId: string,
  bytesMax: number
): ((chunk: OutputChunk) => Effect.Effect<void, StoreError>) => {
  const headBytesMax = Math.floor(bytesMax / 2)
  const tailBytesMax = bytesMax - headBytesMax
  const tail: Array<{ readonly sequence: number; readonly bytes: number }> = []
  let sequence = 0
  let offset = 0
  let tailBytes = 0
  let tailFrom: number | undefined

  /** Counts a piece in, and gives the range that falls out of the tail with it. */
  const account = (bytes: number): { readonly from: number; readonly before: number } | undefined => {
    if (tailFrom === undefined && offset + bytes <= headBytesMax) return undefined
    tailFrom ??= sequence
    tail.push({ sequence, bytes })
    tailBytes += bytes
    while (tailBytes > tailBytesMax && tail.length > 1) tailBytes -= tail.shift()?.bytes ?? 0
    const before = tail[0]?.sequence ?? sequence
    return before > tailFrom ? { from: tailFrom, before } : undefined
  }

  return (chunk) =>
    Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      for (const text of piecesOf(chunk.text)) {
        const bytes = encoder.encode(text).byteLength
        const drop = account(bytes)
        const record: OutputRecord = { sequence, offset, bytes, stream: chunk.stream, at, text }
        sequence += 1
        offset += bytes
        yield* outputs.append(attemptId, [record], drop)
      }
    })
}

// --- internal ---

/** Splits between characters: never inside a surrogate pair. */
const piecesOf = (text: string): ReadonlyArray<string> => {
  if (text.length <= pieceLengthMax) return text === "" ? [] : [text]
  const pieces: Array<string> = []
  for (let start = 0; start < text.length; ) {
    const end = start + pieceLengthMax
    const splitsPair = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))
    pieces.push(text.slice(start, splitsPair ? end - 1 : end))
    start = splitsPair ? end - 1 : end
  }
  return pieces
}
