/** Tree objects: reading their entries, and putting one entry into them. */
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { ObjectFormat } from "../internal/objectFormat.ts"

/** One entry of a tree. */
export interface NamedEntry {
  readonly mode: string
  readonly name: string
  readonly oid: ObjectId
}

/** The mode of a folder. */
export const folderMode = "40000"

/**
 * The entries of a tree object, in its order. Names that are not UTF-8 carry replacement characters.
 * Throws a `RangeError` for bytes that are no tree.
 */
export const parseTree = (format: ObjectFormat, content: Uint8Array): ReadonlyArray<NamedEntry> =>
  rawEntries(format, content).map((entry) => ({
    mode: entry.mode,
    name: entry.name.toString("utf8"),
    oid: entry.oid
  }))

/** The tree with the entry put into its place; one of the same name is replaced. Names that are not UTF-8 stay as they are. */
export const withEntry = (format: ObjectFormat, content: Uint8Array, entry: NamedEntry): Buffer => {
  const added: RawEntry = { mode: entry.mode, name: Buffer.from(entry.name), oid: entry.oid }
  const kept = rawEntries(format, content).filter((other) => !other.name.equals(added.name))
  const entries = [...kept, added].sort((a, b) => Buffer.compare(sortKey(a), sortKey(b)))
  return Buffer.concat(
    entries.flatMap((one) => [
      Buffer.from(`${one.mode} `),
      one.name,
      Buffer.from([0]),
      Buffer.from(one.oid, "hex")
    ])
  )
}

// --- internal ---

interface RawEntry {
  readonly mode: string
  readonly name: Buffer
  readonly oid: ObjectId
}

/** Git sorts a folder as if its name ended in a slash (`base_name_compare` in git's `tree.c`). */
const sortKey = (entry: RawEntry): Buffer =>
  entry.mode === folderMode ? Buffer.concat([entry.name, Buffer.from("/")]) : entry.name

const rawEntries = (format: ObjectFormat, given: Uint8Array): ReadonlyArray<RawEntry> => {
  const content = Buffer.from(given.buffer, given.byteOffset, given.byteLength)
  const idBytes = format === "sha1" ? 20 : 32
  const entries: Array<RawEntry> = []
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at)
    const nameEnd = content.indexOf(0, space)
    const end = nameEnd + 1 + idBytes
    const oid = content.toString("hex", nameEnd + 1, end)
    if (space < 0 || nameEnd < 0 || end > content.length || !isObjectId(oid))
      throw new RangeError("These bytes are no tree object")
    // Very old trees write a folder's mode with a leading zero.
    const mode = content.toString("latin1", at, space).replace(/^0+/, "")
    entries.push({ mode, name: content.subarray(space + 1, nameEnd), oid })
    at = end
  }
  return entries
}
