/**
 * Git's object formats, as far as this package writes and reads them without git: object ids, commits, trees.
 *
 * Sources: gitformat-commit and "Git Internals - Git Objects"; `fsck.c` of git for what a commit may hold.
 */
import { createHash } from "node:crypto"
import { TextDecoder } from "node:util"
import * as Either from "effect/Either"
import { isObjectId, type ObjectId } from "../GitName.ts"

export type ObjectFormat = "sha1" | "sha256"
export type ObjectType = "blob" | "tree" | "commit"

/** A commit as git stores it, in the parts that a rebuild keeps or replaces. */
export interface CommitObject {
  readonly tree: ObjectId
  readonly parents: ReadonlyArray<ObjectId>
  /** The bytes after `author `: name, address, time, zone. */
  readonly author: Buffer
  /** The bytes after `committer `. */
  readonly committer: Buffer
  /** The bytes after `encoding `, or `null` for UTF-8. */
  readonly encoding: Buffer | null
  /** Everything after the empty line, byte for byte. */
  readonly message: Buffer
}

/** The empty tree's id in each format: the base of nothing. */
export const emptyTreeOf = (format: ObjectFormat): string =>
  objectIdOf(format, frame("tree", Buffer.alloc(0)))

/** Header and content, as they are hashed and stored. */
export const frame = (type: ObjectType, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`${type} ${content.byteLength}\0`), content])

/** The object id of framed bytes. */
export const objectIdOf = (format: ObjectFormat, framed: Uint8Array): string =>
  createHash(format).update(framed).digest("hex")

/** Reads a commit. Left: what is wrong with it. */
export const parseCommit = (bytes: Buffer): Either.Either<CommitObject, string> => {
  const end = bytes.indexOf("\n\n")
  const head = end < 0 ? bytes : bytes.subarray(0, end)
  const message = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 2)
  const values = (name: string) => headerValues(head, name)
  const tree = values("tree")[0]?.toString("latin1")
  const parents = values("parent").map((value) => value.toString("latin1"))
  const author = values("author")[0]
  const committer = values("committer")[0]
  if (tree === undefined || !isObjectId(tree)) return Either.left("it names no tree")
  if (!parents.every(isObjectId)) return Either.left("it has a malformed parent")
  if (author === undefined || committer === undefined) return Either.left("it has no author or no committer")
  return Either.right({ tree, parents, author, committer, encoding: values("encoding")[0] ?? null, message })
}

/** Writes a commit. Signatures are not written: they would not hold for the new content. */
export const formatCommit = (commit: CommitObject): Buffer => {
  const line = (name: string, value: Uint8Array | string) => [
    Buffer.from(`${name} `),
    Buffer.from(value),
    newline
  ]
  return Buffer.concat([
    ...line("tree", commit.tree),
    ...commit.parents.flatMap((parent) => line("parent", parent)),
    ...line("author", commit.author),
    ...line("committer", commit.committer),
    ...(commit.encoding === null ? [] : line("encoding", commit.encoding)),
    newline,
    commit.message
  ])
}

/** A commit's bytes in UTF-8, from the encoding that it names; as they are where it names none, or one that is not known. */
export const inUtf8 = (bytes: Buffer, encoding: Buffer | null): Buffer =>
  Either.getOrElse(
    Either.try(() =>
      encoding === null ? bytes : Buffer.from(new TextDecoder(encoding.toString("latin1")).decode(bytes))
    ),
    () => bytes
  )

/** The first line of a commit's message, as text; bytes that are not UTF-8 become replacement characters. */
export const subjectOf = (commit: Pick<CommitObject, "message">): string =>
  (commit.message.toString("utf8").trimStart().split("\n", 1)[0] ?? "").slice(0, subjectLengthMax)

/** Longest subject that results carry, in UTF-16 units. */
export const subjectLengthMax = 500

/** One entry of a tree, as far as walking needs it. */
export interface TreeEntry {
  readonly id: string
  readonly kind: "tree" | "blob" | "submodule"
}

/** The entries of a tree object. */
export const treeEntries = (format: ObjectFormat, content: Buffer): ReadonlyArray<TreeEntry> =>
  parseTree(format, content).map(({ id, mode }) => ({
    id,
    kind: mode === "40000" ? "tree" : mode === "160000" ? "submodule" : "blob"
  }))

/** One entry of a tree as git stores it. */
export interface TreeItem {
  /** Octal without leading zero: 100644, 100755, 120000, 160000, and 40000 for a tree. */
  readonly mode: string
  readonly name: Buffer
  readonly id: string
}

/** The entries of a tree object with their names. Entries are `<mode> <name>\0<id>` (gitformat, "tree"). */
export const parseTree = (format: ObjectFormat, content: Buffer): ReadonlyArray<TreeItem> => {
  const idBytes = format === "sha1" ? 20 : 32
  const items: Array<TreeItem> = []
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(32, at)
    const nameEnd = content.indexOf(0, at)
    if (nameEnd < 0) break
    items.push({
      mode: content.toString("latin1", at, space),
      name: content.subarray(space + 1, nameEnd),
      id: content.toString("hex", nameEnd + 1, nameEnd + 1 + idBytes)
    })
    at = nameEnd + 1 + idBytes
  }
  return items
}

/** Writes a tree. Git sorts by bytes, a folder as if its name ended with a slash. */
export const formatTree = (items: ReadonlyArray<TreeItem>): Buffer => {
  const keyed = items.map((item) => ({
    item,
    key: item.mode === "40000" ? Buffer.concat([item.name, Buffer.from("/")]) : item.name
  }))
  keyed.sort((a, b) => Buffer.compare(a.key, b.key))
  return Buffer.concat(
    keyed.flatMap(({ item }) => [
      Buffer.from(`${item.mode} `),
      item.name,
      Buffer.from([0]),
      Buffer.from(item.id, "hex")
    ])
  )
}

// --- internal ---

const newline = Buffer.from("\n")

/** Values of a header by name. Continuation lines begin with a space and belong to signatures, which are not read. */
const headerValues = (head: Buffer, name: string): ReadonlyArray<Buffer> => {
  const prefix = Buffer.from(`${name} `)
  const values: Array<Buffer> = []
  for (let at = 0; at < head.length; ) {
    const lineEnd = head.indexOf(10, at)
    const end = lineEnd < 0 ? head.length : lineEnd
    if (head.subarray(at, at + prefix.length).equals(prefix))
      values.push(head.subarray(at + prefix.length, end))
    at = end + 1
  }
  return values
}
