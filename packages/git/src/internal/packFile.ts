/**
 * Writes a pack and its index into a folder of packs, object by object, without holding them all.
 *
 * Source: gitformat-pack(5), index version 2. Both files are on the disk before either has its name, and the index gets its
 * name last: git sees a pack by its index. Until then they are called `tmp_…`, which `git gc` removes when a crash left them.
 */
import { createHash, randomUUID } from "node:crypto"
import { join } from "node:path"
import { crc32 } from "node:zlib"
import { type PackObject, packEntry, packHeader } from "../transport/wire/pack.ts"
import type { ObjectFormat } from "./objectFormat.ts"
import type { QuarantineFilesOps } from "./quarantineFiles.ts"

export interface PackFileOptions {
  readonly files: QuarantineFilesOps
  readonly format: ObjectFormat
  /** The folder of packs. */
  readonly folder: string
  /** The objects in the order in which they are written, each one once. */
  readonly ids: ReadonlyArray<string>
  readonly read: (id: string) => PackObject
}

/** Writes the pack under the name that its content gives it. A pack that has this name already is the same one. */
export const writePackFile = async (options: PackFileOptions): Promise<void> => {
  const { files, folder, format, ids, read } = options
  const rows: Array<IndexRow> = []
  const sum = createHash(format)
  let checksum = Buffer.alloc(0)
  const pieces = function* () {
    const header = packHeader(ids.length)
    let offset = header.length
    sum.update(header)
    yield header
    for (const id of ids) {
      if (offset > offsetMax) throw new Error(`the pack would be larger than ${offsetMax} bytes`)
      const entry = packEntry(read(id), { level: 1 })
      rows.push({ id, crc: crc32(entry), offset })
      offset += entry.length
      sum.update(entry)
      yield entry
    }
    checksum = sum.digest()
    yield checksum
  }
  const unique = randomUUID()
  const [pack, index] = [join(folder, `tmp_pack_${unique}`), join(folder, `tmp_idx_${unique}`)]
  await files.makeFolder(folder)
  try {
    await files.writeDurably(pack, pieces())
    await files.writeDurably(index, [indexOf(format, rows, checksum)])
    const name = `pack-${checksum.toString("hex")}`
    await files.rename(pack, join(folder, `${name}.pack`))
    await files.rename(index, join(folder, `${name}.idx`))
  } catch (cause) {
    await Promise.all([files.remove(pack), files.remove(index)])
    throw cause
  }
}

// --- internal ---

/** Offsets above this one need a second table in the index. */
const offsetMax = 0x7fffffff

interface IndexRow {
  readonly id: string
  readonly crc: number
  readonly offset: number
}

/** Counts by first byte, then ids, checksums and offsets in the order of the ids, then the sums of pack and index. */
const indexOf = (format: ObjectFormat, rows: ReadonlyArray<IndexRow>, packSum: Buffer): Buffer => {
  const sorted = [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))
  const counts = Array.from({ length: 256 }, () => 0)
  for (const { id } of sorted) {
    const first = Number.parseInt(id.slice(0, 2), 16)
    counts[first] = (counts[first] ?? 0) + 1
  }
  let below = 0
  const fanOut = counts.map((count) => {
    below += count
    return below
  })
  const body = Buffer.concat([
    Buffer.from("\xfftOc\0\0\0\x02", "latin1"),
    numbers(fanOut),
    Buffer.from(sorted.map(({ id }) => id).join(""), "hex"),
    numbers(sorted.map(({ crc }) => crc)),
    numbers(sorted.map(({ offset }) => offset)),
    packSum
  ])
  return Buffer.concat([body, createHash(format).update(body).digest()])
}

/** Unsigned numbers of 32 bits, the highest byte first. */
const numbers = (values: ReadonlyArray<number>): Buffer => {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, at * 4)
  return bytes
}
