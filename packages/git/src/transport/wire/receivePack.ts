/**
 * A push of one ref: the command with the value that the ref is expected to have, a pack, and the server's report.
 *
 * Source: gitprotocol-pack(5) "Pushing Data To a Server". `report-status` and `side-band-64k` are announced by every
 * server that is in use, so they are asked for without reading the announcement first: that saves a request per push.
 */
import type { ObjectId, RefName } from "../../GitName.ts"
import type { ObjectFormat } from "../../internal/objectFormat.ts"
import { cut, garbage } from "./MalformedAnswer.ts"
import { flushPacket, lineOf, type Packet, packet, readPackets } from "./pktLine.ts"
import { readSideBand } from "./sideBand.ts"

/** One ref that moves from one commit to another. */
export interface RefMove {
  readonly ref: RefName
  readonly from: ObjectId
  readonly to: ObjectId
}

/** What the server did. */
export interface PushReport {
  /** `null`: the ref moved. Otherwise why it did not, in the server's few words. */
  readonly refused: string | null
  /** What hooks and the server said, as it came. */
  readonly words: string
}

/** The request: moves the ref if it is still where it was. */
export const receivePackRequest = (options: {
  readonly format: ObjectFormat
  readonly move: RefMove
  readonly pack: Buffer
}): Buffer => {
  const { move, format } = options
  const wishes = ["report-status", "side-band-64k", ...(format === "sha1" ? [] : [`object-format=${format}`])]
  const line = `${move.from} ${move.to} ${move.ref}\0 ${wishes.join(" ")}`
  return Buffer.concat([packet(line), flushPacket, options.pack])
}

/** Reads the report. Throws `MalformedAnswer`; `cut` when there is no report, or half of one. */
export const readPushReport = (body: Buffer, ref: RefName): PushReport => {
  const packets = readPackets(body)
  const first = packets[0]
  if (first === undefined) throw cut("the report")
  const plain = lineOf(first)?.startsWith("unpack ") ?? false
  const band = plain ? { data: body, words: "" } : readSideBand(packets)
  const lines = readPackets(band.data).map((one: Packet) => lineOf(one))
  if (lines.length === 0 || lines.at(-1) !== null) throw cut("the report")
  const unpacked = lines.find((line) => line?.startsWith("unpack ")) ?? null
  if (unpacked === null) throw garbage("a report that does not begin with unpack")
  if (lines.includes(`ok ${ref}`)) return { refused: null, words: band.words }
  const refused = lines.find((line) => line?.startsWith(`ng ${ref} `))?.slice(`ng ${ref} `.length)
  if (unpacked !== "unpack ok") return { refused: unpacked, words: band.words }
  if (refused === undefined) throw garbage("a report without the ref")
  return { refused, words: band.words }
}
