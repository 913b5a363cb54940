/**
 * File operations that remember what the disk would hold if the power went now: the content of a file as of its last
 * sync, under the names that its folder had at its last sync. An image of that can be laid out in another folder.
 */
import * as fs from "node:fs"
import { type FileSystemOps, fileOps } from "../../src/internal/fileOps.ts"

/** What becomes of bytes that were written and not synced: none arrives, or half of them, with zeros for the rest. */
export type Unsynced = "lost" | "half"

export interface PowerLoss {
  readonly ops: FileSystemOps
  /** Lays out in `target` what would be left of `root`. */
  readonly image: (root: string, target: string, unsynced: Unsynced) => void
}

/** `onOperation` is called before each operation that changes something. */
export const powerLoss = (onOperation: () => void): PowerLoss => {
  const paths = new Map<number, string>()
  const contents = new Map<number, Buffer>()
  const folders = new Map<string, ReadonlyMap<string, number>>()
  const remember = (file: number): void => {
    const path = paths.get(file)
    if (path !== undefined) contents.set(fs.fstatSync(file).ino, fs.readFileSync(`/proc/self/fd/${file}`))
  }
  const before = <A>(operate: () => A): A => {
    onOperation()
    return operate()
  }
  const ops: FileSystemOps = {
    ...fileOps,
    open: (path, flags) =>
      before(() => {
        const isNew = fileOps.size(path) === undefined
        const file = fileOps.open(path, flags)
        paths.set(file, path)
        // The number of a file that was removed may be given again.
        if (isNew) contents.delete(fs.fstatSync(file).ino)
        return file
      }),
    close: (file) => {
      paths.delete(file)
      fileOps.close(file)
    },
    write: (file, bytes) => before(() => fileOps.write(file, bytes)),
    sync: (file) => before(() => remember(file)),
    syncLater: (file) => before(() => Promise.resolve().then(() => remember(file))),
    syncDirectory: (path) =>
      before(() => {
        const names = fs.readdirSync(path).map((name) => [name, fs.statSync(`${path}/${name}`).ino] as const)
        folders.set(path, new Map(names))
      }),
    rename: (from, to) => before(() => fileOps.rename(from, to)),
    link: (from, to) => before(() => fileOps.link(from, to)),
    remove: (path) => before(() => fileOps.remove(path)),
    truncate: (path, bytes) => before(() => fileOps.truncate(path, bytes)),
    makeDirectory: (path) => before(() => fileOps.makeDirectory(path))
  }
  const image: PowerLoss["image"] = (root, target, unsynced) => {
    fs.mkdirSync(target, { recursive: true })
    for (const [name, number] of folders.get(root) ?? []) {
      const path = `${root}/${name}`
      if (folders.has(path)) image(path, `${target}/${name}`, unsynced)
      else if (fs.statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) {
        fs.writeFileSync(`${target}/${name}`, contentOf(path, number, unsynced))
      }
    }
  }
  const contentOf = (path: string, number: number, unsynced: Unsynced): Buffer => {
    const synced = contents.get(number) ?? Buffer.alloc(0)
    const stat = fs.statSync(path, { throwIfNoEntry: false })
    if (unsynced === "lost" || stat === undefined || stat.ino !== number || stat.size <= synced.length) {
      return synced
    }
    const now = fs.readFileSync(path)
    return now.fill(0, synced.length + Math.floor((now.length - synced.length) / 2))
  }
  return { ops, image }
}
