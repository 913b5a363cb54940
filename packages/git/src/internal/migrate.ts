/**
 * Brings what is to stay from a quarantine into the repository, children before parents: a crash in the middle leaves
 * objects that nothing names, never a commit without its tree.
 *
 * On one file system objects are moved as they are, by hard links. From memory they are written anew, as one pack when there
 * are many: one file takes the disk a millisecond, and a thousand take it a second.
 */
import { readFileSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import process from "node:process"
import { deflateSync, inflateSync } from "node:zlib"
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import type { PackObject } from "../transport/wire/pack.ts"
import { treeEntries } from "./objectFormat.ts"
import { writePackFile } from "./packFile.ts"
import type { QuarantineFilesOps } from "./quarantineFiles.ts"

export interface MigrateOptions {
  readonly files: QuarantineFilesOps
  readonly repository: Repository
  /** The object folder of the quarantine. */
  readonly objects: string
  /** Parents before children. */
  readonly commits: ReadonlyArray<ObjectId>
}

/** Gives every object that the commits reach a second name in the repository, and the number of them. */
export const moveReachable = async (options: MigrateOptions): Promise<number> => {
  const { files, objects } = options
  const ordered = await reachableInOrder(options, await looseIds(objects))
  const nextTarget = makeTargets(options)
  for (const [at, id] of ordered.entries()) {
    if (at % objectsPerTurn === 0) await nextTurn()
    await moveObject(files, pathOf(objects, id), await nextTarget(id))
  }
  return ordered.length
}

/**
 * Writes every object that the commits reach into the repository, and gives the number of them. `written` is what has to be
 * in the quarantine at least. A folder in memory is nobody's own (a logout may empty it), and what is missing in it
 * would pass for something that the repository has. So at the end everything must still be there.
 */
export const copyReachable = async (
  options: MigrateOptions & { readonly written: ReadonlySet<string>; readonly looseObjectsMax: number }
): Promise<number> => {
  const { files, objects, repository, written } = options
  const here = await looseIds(objects)
  const ordered = await reachableInOrder(options, here)
  if (ordered.length > options.looseObjectsMax) {
    const folder = join(repository.objectDirectory, "pack")
    const read = (id: string) => readLoose(objects, id)
    await writePackFile({ files, format: repository.objectFormat, folder, ids: ordered, read })
  } else {
    const nextTarget = makeTargets(options)
    for (const id of ordered) {
      const target = await nextTarget(id)
      const partial = `${target}.patchmoi-${process.pid}`
      files.writeObject(partial, deflateSync(inflateSync(readFileSync(pathOf(objects, id))), { level: 1 }))
      await files.rename(partial, target)
    }
  }
  const left = await looseIds(objects)
  for (const id of [...written, ...here]) {
    if (!left.has(id)) throw new Error(`the object ${id} has vanished from ${objects}`)
  }
  return ordered.length
}

// --- internal ---

/** Objects that are read or moved before others get their turn: some milliseconds. */
const objectsPerTurn = 128

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const looseIds = async (objects: string): Promise<ReadonlySet<string>> => {
  const folders = (await readdir(objects)).filter((name) => /^[0-9a-f]{2}$/.test(name))
  const names = await Promise.all(
    folders.map(async (folder) => (await readdir(join(objects, folder))).map((name) => folder + name))
  )
  return new Set(names.flat().filter(isObjectId))
}

const pathOf = (objects: string, id: string): string => join(objects, id.slice(0, 2), id.slice(2))

const readLoose = (objects: string, id: string): PackObject => {
  const framed = inflateSync(readFileSync(pathOf(objects, id)))
  const head = framed.indexOf(0)
  const type = framed.toString("latin1", 0, framed.indexOf(32))
  if (type !== "commit" && type !== "tree" && type !== "blob") throw new Error(`${id} is no object to keep`)
  return { type, content: framed.subarray(head + 1) }
}

/** Where an object goes in the repository; its folder is made when it is the first one there. */
const makeTargets = ({ files, repository }: MigrateOptions) => {
  const folders = new Set<string>()
  return async (id: string): Promise<string> => {
    const target = pathOf(repository.objectDirectory, id)
    const folder = dirname(target)
    if (!folders.has(folder)) await files.makeFolder(folder)
    folders.add(folder)
    return target
  }
}

/** Objects of the quarantine that the commits reach, children first. What is not here is in the repository already. */
const reachableInOrder = async (
  { commits, objects, repository }: MigrateOptions,
  here: ReadonlySet<string>
): Promise<ReadonlyArray<string>> => {
  const ordered: Array<string> = []
  const seen = new Set<string>()
  const isNew = (id: string): boolean => {
    if (seen.has(id) || !here.has(id)) return false
    seen.add(id)
    return true
  }
  const contentOf = async (id: string): Promise<Buffer> => {
    if (seen.size % objectsPerTurn === 0) await nextTurn()
    return readLoose(objects, id).content
  }
  const visitTree = async (id: string): Promise<void> => {
    if (!isNew(id)) return
    for (const entry of treeEntries(repository.objectFormat, await contentOf(id))) {
      if (entry.kind === "tree") await visitTree(entry.id)
      if (entry.kind === "blob" && isNew(entry.id)) ordered.push(entry.id)
    }
    ordered.push(id)
  }
  // Parents are given before their children, so no walk over parents is needed: its depth would be the stack's length.
  for (const commit of commits) {
    if (!isNew(commit)) continue
    const content = await contentOf(commit)
    await visitTree(content.toString("latin1", "tree ".length, content.indexOf(10)))
    ordered.push(commit)
  }
  return ordered
}

/** Moves by hard link, which never replaces an object that is there; by copy and rename across file systems. */
const moveObject = async (files: QuarantineFilesOps, source: string, target: string): Promise<void> => {
  try {
    await files.link(source, target)
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined
    if (code === "EEXIST") return
    if (code !== "EXDEV" && code !== "EPERM" && code !== "ENOTSUP") throw cause
    const partial = `${target}.patchmoi-${process.pid}`
    await files.copy(source, partial)
    await files.rename(partial, target)
  }
}
