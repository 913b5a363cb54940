/**
 * Deltas of packs: an object written as copies from another one and new bytes.
 *
 * Source: gitformat-pack(5) "Deltified representation".
 */
import { garbage } from "./MalformedAnswer.ts"

/** The object that the delta makes from the base. Throws `MalformedAnswer`; also when it is larger than the limit. */
export const applyDelta = (base: Buffer, delta: Buffer, bytesMax: number): Buffer => {
  let at = 0
  const next = (): number => {
    const byte = delta[at++]
    if (byte === undefined) throw garbage("a delta that ends in the middle")
    return byte
  }
  const baseSize = readSize(next)
  const size = readSize(next)
  if (baseSize !== base.length) throw garbage("a delta for another base")
  if (size > bytesMax) throw garbage("an object that is larger than the limit")
  const result = Buffer.alloc(size)
  let written = 0
  while (at < delta.length) {
    const instruction = next()
    let piece: Buffer
    if (instruction & 0x80) {
      const from = readFields(instruction, 4, next)
      const length = readFields(instruction >> 4, 3, next) || 0x10000
      piece = base.subarray(from, from + length)
      if (piece.length < length) throw garbage("a delta that copies from behind its base")
    } else {
      piece = delta.subarray(at, at + instruction)
      if (instruction === 0 || piece.length < instruction)
        throw garbage("a delta with an unknown instruction")
      at += instruction
    }
    if (written + piece.length > size) throw garbage("a delta that makes more than it announced")
    piece.copy(result, written)
    written += piece.length
  }
  if (written !== size) throw garbage("a delta that makes less than it announced")
  return result
}

// --- internal ---

const readSize = (next: () => number): number => {
  let size = 0
  for (let factor = 1; factor < Number.MAX_SAFE_INTEGER / 256; factor *= 128) {
    const byte = next()
    size += (byte & 0x7f) * factor
    if ((byte & 0x80) === 0) return size
  }
  throw garbage("a delta with an endless size")
}

/** A little-endian number whose bytes are there only where the instruction has a bit set. */
const readFields = (bits: number, count: number, next: () => number): number => {
  let value = 0
  for (let at = 0; at < count; at++) if (bits & (1 << at)) value += next() * 256 ** at
  return value
}
