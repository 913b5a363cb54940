/**
 * Keeps the output of one attempt within its bound: the head and the tail stay, what lies between is left out and
 * the offsets say how many bytes that is. Memory holds the sizes of the tail's pieces, never their text.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { OutputChunk } from "../executor/Executor.ts"
import type { Driver, OutputRecord } from "../store/Driver.ts"
import type { StoreError } from "../store/Log.ts"

/** Most bytes of one kept piece; longer chunks are split. A piece is an eighth of the bound at most, so that both ends fill. */
const pieceBytesMax = 49_152

/** The smallest bound that leaves room for a character at each end, in bytes; a smaller one is raised to it. */
const boundBytesMin = 16

/** How many pieces of the tail are remembered: a step that prints byte by byte keeps a shorter tail, not a larger memory. */
const tailPiecesMax = 4_096

const encoder = new TextEncoder()

/**
 * A writer for one attempt that keeps at most `bytesMax` bytes (16 at least), half of them from the head. It gives false once
 * the attempt is not leased with the token any more; without a token nothing is asked for.
 */
export const make = (
  outputs: Driver["outputs"],
  attemptId: string,
  bytesMax: number,
  token?: string
): ((chunk: OutputChunk) => Effect.Effect<boolean, StoreError>) => {
  const bound = Math.max(boundBytesMin, bytesMax)
  const headBytesMax = Math.floor(bound / 2)
  const tailBytesMax = bound - headBytesMax
  const splitAt = Math.min(pieceBytesMax, Math.max(maxBytesOfUnits(2), Math.floor(bound / 8)))
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
    while (tailBytes > tailBytesMax || tail.length > tailPiecesMax) tailBytes -= tail.shift()?.bytes ?? 0
    const before = tail[0]?.sequence ?? sequence
    return before > tailFrom ? { from: tailFrom, before } : undefined
  }

  return (chunk) =>
    Effect.gen(function* () {
      const at = yield* Clock.currentTimeMillis
      for (const { text, bytes } of piecesOf(chunk.text, splitAt)) {
        const drop = account(bytes)
        const record: OutputRecord = { sequence, offset, bytes, stream: chunk.stream, at, text }
        sequence += 1
        offset += bytes
        const fence = token === undefined ? undefined : { token, now: at }
        if (!(yield* outputs.append(attemptId, [record], drop, fence))) return false
      }
      return true
    })
}

// --- internal ---

interface Piece {
  readonly text: string
  readonly bytes: number
}

/** A UTF-16 code unit takes three bytes of UTF-8 at most; a pair of them takes four. */
const maxBytesOfUnits = (units: number): number => units * 3

const pieceOf = (text: string): Piece => ({ text, bytes: encoder.encode(text).byteLength })

/** Splits between characters, never inside a surrogate pair, into pieces of at most this many bytes. */
const piecesOf = (text: string, bytesMax: number): ReadonlyArray<Piece> => {
  if (text === "") return []
  const whole = pieceOf(text)
  if (whole.bytes <= bytesMax) return [whole]
  const unitsMax = Math.floor(bytesMax / maxBytesOfUnits(1))
  const pieces: Array<Piece> = []
  for (let start = 0; start < text.length; ) {
    const end = start + unitsMax
    const splitsPair = end < text.length && /[\ud800-\udbff]/.test(text.charAt(end - 1))
    pieces.push(pieceOf(text.slice(start, splitsPair ? end - 1 : end)))
    start = splitsPair ? end - 1 : end
  }
  return pieces
}
