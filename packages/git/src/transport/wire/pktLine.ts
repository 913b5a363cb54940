/**
 * Git's packet lines: a length in four hex digits, then that many bytes less four; `0000`, `0001`, `0002` are marks.
 *
 * Source: gitprotocol-common(5).
 */
import { cut, garbage, MalformedAnswer } from "./MalformedAnswer.ts"

/** Longest packet with its length, in bytes. */
export const packetBytesMax = 65_520

/** A packet's content, or a mark. */
export type Packet = Buffer | "flush" | "delimiter" | "end"

/** The mark `0000`: a message, or a list in it, ends here. */
export const flushPacket = Buffer.from("0000")
/** The mark `0001`, in protocol version 2: a section ends here, and the message goes on. */
export const delimiterPacket = Buffer.from("0001")

/** One packet with this content. Throws a `RangeError` for content that no packet can hold. */
export const packet = (content: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(content)
  if (bytes.length + 4 > packetBytesMax)
    throw new RangeError(`A packet holds at most ${packetBytesMax} bytes`)
  return Buffer.concat([Buffer.from((bytes.length + 4).toString(16).padStart(4, "0")), bytes])
}

/** The packets of an answer. Throws `MalformedAnswer` for what is none; an `ERR` packet is `refused`. */
export const readPackets = (bytes: Buffer): ReadonlyArray<Packet> => {
  const packets: Array<Packet> = []
  for (let at = 0; at < bytes.length; ) {
    const digits = bytes.toString("latin1", at, at + 4)
    if (!/^[0-9a-f]+$/i.test(digits)) throw garbage(`no packet begins with ${JSON.stringify(digits)}`)
    if (digits.length < 4) throw cut("a packet's length")
    const length = Number.parseInt(digits, 16)
    const mark = marks[length]
    if (mark !== undefined) {
      packets.push(mark)
      at += 4
      continue
    }
    if (length < 4 || length > packetBytesMax) throw garbage(`a packet of length ${length}`)
    if (at + length > bytes.length) throw cut("a packet")
    const content = bytes.subarray(at + 4, at + length)
    if (content.subarray(0, 4).equals(errorMark))
      throw new MalformedAnswer({ kind: "refused", detail: content.toString("utf8", 4).trim() })
    packets.push(content)
    at += length
  }
  return packets
}

/** The text of a packet without its last line feed; a mark is `null`. */
export const lineOf = (one: Packet | undefined): string | null =>
  one === undefined || typeof one === "string" ? null : one.toString("utf8").replace(/\n$/, "")

// --- internal ---

const errorMark = Buffer.from("ERR ")
const marks: Readonly<Record<number, Exclude<Packet, Buffer>>> = { 0: "flush", 1: "delimiter", 2: "end" }
