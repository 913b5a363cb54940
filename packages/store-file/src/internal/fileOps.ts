/**
 * The file operations that the store is made of, as one seam: the crash sweep puts a counter around them and
 * stops the process hard at each. Calls are synchronous and throw, except the one that waits for the disk while
 * commits are under way, so that the rest of the process goes on meanwhile.
 */
import * as fs from "node:fs"
import { dirname } from "node:path"

/** How a file is opened: to append (made if it is missing), to write anew, or to read. */
export type OpenFlags = "a" | "w" | "r"

export interface FileSystemOps {
  open(path: string, flags: OpenFlags): number
  close(file: number): void
  /** Writes all the bytes at the end. */
  write(file: number, bytes: Uint8Array): void
  /** Returns when the content is on the disk. */
  sync(file: number): void
  /** As `sync`, without stopping the process while the disk works. */
  syncLater(file: number): Promise<void>
  /** Makes the names in a folder durable. */
  syncDirectory(path: string): void
  rename(from: string, to: string): void
  /** Gives a file a second name; throws `EEXIST` when the name is taken. */
  link(from: string, to: string): void
  /** Removes a file; one that is not there is no error. */
  remove(path: string): void
  truncate(path: string, bytes: number): void
  /** Makes a folder; one that is there is no error. */
  makeDirectory(path: string): void
  /** The names in a folder in order; none when it is not there. */
  list(path: string): ReadonlyArray<string>
  /** The size in bytes; undefined when the file is not there. */
  size(path: string): number | undefined
  /** At most `length` bytes from this offset on; fewer at the end of the file. */
  read(path: string, offset: number, length: number): Buffer
  /** The same of a file that is open, whatever has become of its name. */
  readOpen(file: number, offset: number, length: number): Buffer
}

/** The operations of the machine. */
export const fileOps: FileSystemOps = {
  open: (path, flags) => fs.openSync(path, flags),
  close: (file) => fs.closeSync(file),
  write: (file, bytes) => {
    for (let written = 0; written < bytes.length; ) {
      written += fs.writeSync(file, bytes, written, bytes.length - written)
    }
  },
  sync: (file) => fs.fsyncSync(file),
  syncLater: (file) =>
    new Promise((resolve, reject) =>
      fs.fdatasync(file, (error) => (error === null ? resolve() : reject(error)))
    ),
  syncDirectory: (path) => withReader(path, (file) => fs.fsyncSync(file)),
  rename: (from, to) => fs.renameSync(from, to),
  link: (from, to) => fs.linkSync(from, to),
  remove: (path) => fs.rmSync(path, { force: true }),
  truncate: (path, bytes) => fs.truncateSync(path, bytes),
  makeDirectory: (path) => void fs.mkdirSync(path, { recursive: true }),
  list: (path) => whenThere(() => fs.readdirSync(path).sort()) ?? [],
  size: (path) => whenThere(() => fs.statSync(path).size),
  read: (path, offset, length) => withReader(path, (file) => readAt(file, offset, length)),
  readOpen: (file, offset, length) => readAt(file, offset, length)
}

/** The whole file; undefined when it is not there, or goes away meanwhile. */
export const readWhole = (ops: FileSystemOps, path: string): Buffer | undefined =>
  whenThere(() => {
    const size = ops.size(path)
    return size === undefined ? undefined : ops.read(path, 0, size)
  })

/**
 * Puts this content at the path in one step: whoever reads sees the old or the new content, and after a crash
 * one of both is there.
 */
export const replaceFile = (
  ops: FileSystemOps,
  directory: string,
  name: string,
  content: string | Uint8Array
): void => {
  const temporary = `${directory}/.${name}.new`
  const file = ops.open(temporary, "w")
  try {
    ops.write(file, typeof content === "string" ? Buffer.from(content) : content)
    ops.sync(file)
  } finally {
    ops.close(file)
  }
  ops.rename(temporary, `${directory}/${name}`)
  ops.syncDirectory(directory)
}

/** Makes a folder and those above it, so that their names are durable. */
export const makeDurableDirectory = (ops: FileSystemOps, path: string): void => {
  if (ops.size(path) !== undefined) return
  const parent = dirname(path)
  if (parent !== path) makeDurableDirectory(ops, parent)
  ops.makeDirectory(path)
  ops.syncDirectory(parent)
}

/** The error code of a failed call, such as `ENOENT`. */
export const errorCode = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined

// --- internal ---

const readAt = (file: number, offset: number, length: number): Buffer => {
  const bytes = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const count = fs.readSync(file, bytes, filled, length - filled, offset + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.subarray(0, filled)
}

const whenThere = <A>(look: () => A): A | undefined => {
  try {
    return look()
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined
    throw error
  }
}

const withReader = <A>(path: string, use: (file: number) => A): A => {
  const file = fs.openSync(path, "r")
  try {
    return use(file)
  } finally {
    fs.closeSync(file)
  }
}
