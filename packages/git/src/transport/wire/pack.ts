/**
 * Packs in memory: reading all objects of one, and writing a few objects whole.
 *
 * Source: gitformat-pack(5).
 */
import { createHash } from "node:crypto"
import { deflateSync, inflateSync } from "node:zlib"
import { frame, type ObjectFormat, type ObjectType, objectIdOf } from "../../internal/objectFormat.ts"
import { applyDelta } from "./delta.ts"
import { cut, garbage } from "./MalformedAnswer.ts"

/** One object of a pack. */
export interface PackObject {
  readonly type: ObjectType | "tag"
  readonly content: Buffer
}

interface ReadPackOptions {
  readonly pack: Buffer
  readonly format: ObjectFormat
  /** All objects together, unpacked. */
  readonly bytesMax: number
}

/** All objects of one answer together, unpacked, in bytes. */
export const unpackedBytesMax = 256 * 1024 * 1024

/** Most objects that a pack may have. */
export const packObjectsMax = 200_000

/** The objects of a pack by id, deltas resolved. Throws `MalformedAnswer`, also for a wrong checksum and absent bases. */
export const readPack = (options: ReadPackOptions): ReadonlyMap<string, PackObject> => {
  const { pack, format } = options
  const end = checkedEnd(pack, format)
  const count = pack.readUInt32BE(8)
  const entries: Array<PackEntry> = []
  let at = headerBytes
  let bytesLeft = options.bytesMax
  while (entries.length < count) {
    const entry = readEntry(pack.subarray(0, end), at, format, bytesLeft)
    bytesLeft -= entry.content.length
    entries.push(entry)
    at = entry.end
  }
  if (at !== end) throw garbage("a pack with bytes that belong to no object")
  return resolved(entries, format, bytesLeft)
}

/** A pack of these objects, none of them as a delta. */
export const writePack = (format: ObjectFormat, objects: ReadonlyArray<PackObject>): Buffer => {
  const body = Buffer.concat([packHeader(objects.length), ...objects.map((one) => packEntry(one))])
  return Buffer.concat([body, createHash(format).update(body).digest()])
}

/** What a pack of so many objects begins with. */
export const packHeader = (count: number): Buffer => {
  const header = Buffer.from("PACK\0\0\0\x02\0\0\0\0", "latin1")
  header.writeUInt32BE(count, 8)
  return header
}

/** One object as a pack has it, whole. */
export const packEntry = (object: PackObject, options: { readonly level?: number } = {}): Buffer =>
  Buffer.concat([entryHeader(object.type, object.content.length), deflateSync(object.content, options)])

// --- internal ---

const headerBytes = 12
const typeNumbers = { commit: 1, tree: 2, blob: 3, tag: 4 } as const
const typesByNumber = ["", "commit", "tree", "blob", "tag"] as const
const offsetDelta = 6
const refDelta = 7

interface PackEntry {
  readonly offset: number
  readonly end: number
  readonly type: PackObject["type"] | null
  /** What a delta is made from: the offset of another entry, or an object id. */
  readonly base: number | string | null
  readonly content: Buffer
}

/** Where the entries end, if header and checksum are right. */
const checkedEnd = (pack: Buffer, format: ObjectFormat): number => {
  const idBytes = format === "sha1" ? 20 : 32
  const end = pack.length - idBytes
  if (end < headerBytes) throw cut("a pack")
  const version = pack.readUInt32BE(4)
  if (pack.toString("latin1", 0, 4) !== "PACK" || (version !== 2 && version !== 3))
    throw garbage("no pack, or one of an unknown version")
  if (pack.readUInt32BE(8) > packObjectsMax) throw garbage(`a pack of more than ${packObjectsMax} objects`)
  const sum = createHash(format).update(pack.subarray(0, end)).digest()
  if (!sum.equals(pack.subarray(end))) throw garbage("a pack whose checksum is wrong")
  return end
}

const readEntry = (pack: Buffer, offset: number, format: ObjectFormat, bytesMax: number): PackEntry => {
  let at = offset
  const next = (): number => {
    const byte = pack[at++]
    if (byte === undefined) throw cut("an object of a pack")
    return byte
  }
  let byte = next()
  const number = (byte >> 4) & 7
  let size = byte & 15
  for (let factor = 16; byte & 0x80; factor *= 128) {
    byte = next()
    size += (byte & 0x7f) * factor
    if (size > bytesMax) throw garbage("an object that is larger than the limit")
  }
  let base: number | string | null = null
  if (number === offsetDelta) base = offset - readOffset(next)
  if (number === refDelta) {
    const idBytes = format === "sha1" ? 20 : 32
    base = pack.toString("hex", at, at + idBytes)
    at += idBytes
  }
  const type = typesByNumber[number] ?? ""
  if (type === "" && base === null) throw garbage(`an object of type ${number}`)
  const inflated = inflate(pack.subarray(at), size)
  return {
    offset,
    end: at + inflated.consumed,
    type: type === "" ? null : type,
    base,
    content: inflated.content
  }
}

/** The distance to the base of an offset delta; each continued byte counts one more than its bits. */
const readOffset = (next: () => number): number => {
  let byte = next()
  let distance = byte & 0x7f
  while (byte & 0x80) {
    byte = next()
    distance = (distance + 1) * 128 + (byte & 0x7f)
    if (distance > Number.MAX_SAFE_INTEGER / 256) throw garbage("a delta without a base")
  }
  return distance
}

const inflate = (bytes: Buffer, size: number): { readonly content: Buffer; readonly consumed: number } => {
  let result: Inflated
  try {
    // With `info` the answer is an object; the published type knows only the plain form.
    const options = { info: true, maxOutputLength: Math.max(1, size) }
    result = inflateSync(bytes, options) as unknown as Inflated
  } catch (cause) {
    throw garbage(`an object that cannot be unpacked (${cause instanceof Error ? cause.message : ""})`)
  }
  if (result.buffer.length !== size) throw garbage("an object of another size than announced")
  return { content: result.buffer, consumed: result.engine.bytesWritten }
}

interface Inflated {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}

/** Resolves deltas from their bases outwards. */
const resolved = (
  entries: ReadonlyArray<PackEntry>,
  format: ObjectFormat,
  bytesMax: number
): ReadonlyMap<string, PackObject> => {
  const waiting = new Map<number | string, Array<PackEntry>>()
  for (const entry of entries) {
    if (entry.base === null) continue
    const others = waiting.get(entry.base)
    if (others === undefined) waiting.set(entry.base, [entry])
    else others.push(entry)
  }
  const objects = new Map<string, PackObject>()
  const ready = entries.flatMap(({ type, content, offset }) =>
    type === null ? [] : [{ offset, object: { type, content } }]
  )
  let [done, bytesLeft] = [0, bytesMax]
  for (let one = ready.pop(); one !== undefined; one = ready.pop()) {
    const id = idOf(format, one.object)
    objects.set(id, one.object)
    done += 1
    const { type, content: base } = one.object
    for (const entry of [...(waiting.get(one.offset) ?? []), ...(waiting.get(id) ?? [])]) {
      const content = applyDelta(base, entry.content, bytesLeft)
      bytesLeft -= content.length
      ready.push({ offset: entry.offset, object: { type, content } })
    }
    waiting.delete(one.offset)
    waiting.delete(id)
  }
  if (done < entries.length) throw garbage("a delta without a base")
  return objects
}

const idOf = (format: ObjectFormat, object: PackObject): string =>
  object.type === "tag"
    ? createHash(format).update(`tag ${object.content.length}\0`).update(object.content).digest("hex")
    : objectIdOf(format, frame(object.type, object.content))

const entryHeader = (type: PackObject["type"], size: number): Buffer => {
  const bytes: Array<number> = []
  let rest = Math.floor(size / 16)
  bytes.push((typeNumbers[type] << 4) | (size % 16) | (rest > 0 ? 0x80 : 0))
  while (rest > 0) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(low | (rest > 0 ? 0x80 : 0))
  }
  return Buffer.from(bytes)
}
