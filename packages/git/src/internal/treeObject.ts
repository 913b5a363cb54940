/** Tree objects with names, as far as records that lie in a ref need them: names are plain ASCII there. */
import type { ObjectFormat } from "./objectFormat.ts"

/** One entry of a tree. */
export interface NamedEntry {
  /** As in the object: `40000` for a folder, `100644` for a file. */
  readonly mode: string
  readonly name: string
  readonly id: string
}

/** The mode of a folder. */
export const folderMode = "40000"

/** The mode of a file. */
export const fileMode = "100644"

/** The content of a tree object with these entries, in git's order. Names must be unique and free of `/` and NUL. */
export const formatTree = (entries: ReadonlyArray<NamedEntry>): Buffer => {
  const keyOf = ({ mode, name }: NamedEntry) => (mode === folderMode ? `${name}/` : name)
  const ordered = [...entries].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  return Buffer.concat(
    ordered.flatMap(({ mode, name, id }) => [
      Buffer.from(`${mode} ${name}\0`, "latin1"),
      Buffer.from(id, "hex")
    ])
  )
}

/** The entries of a tree object, names byte for byte as Latin-1; `null` when it is malformed. */
export const parseTree = (format: ObjectFormat, content: Buffer): ReadonlyArray<NamedEntry> | null => {
  const idBytes = format === "sha1" ? 20 : 32
  const entries: Array<NamedEntry> = []
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at)
    const nameEnd = content.indexOf(0, at)
    const end = nameEnd + 1 + idBytes
    if (space < 0 || nameEnd < space || end > content.length) return null
    entries.push({
      mode: content.toString("latin1", at, space),
      name: content.toString("latin1", space + 1, nameEnd),
      id: content.toString("hex", nameEnd + 1, end)
    })
    at = end
  }
  return entries
}
