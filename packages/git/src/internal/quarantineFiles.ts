/**
 * The file operations that a quarantine is made of, as one seam: the crash sweep puts a counter around them and stops the
 * process hard at each. Writing is synchronous, because an object is small and is needed at once.
 */
import { linkSync, mkdirSync, writeFileSync } from "node:fs"
import { copyFile, mkdtemp, open, rename, rm } from "node:fs/promises"
import * as Context from "effect/Context"
import { makeSharedFolder } from "./sharedFolder.ts"

export interface QuarantineFilesOps {
  /** Makes a folder and those above it; one that is there is no error. */
  readonly makeFolder: (path: string) => Promise<void>
  /** Makes a new folder whose name begins so, and gives its path. */
  readonly makeTemporary: (prefix: string) => Promise<string>
  readonly makeObjectFolder: (path: string) => void
  /** Writes a new object, which nobody may change. */
  readonly writeObject: (path: string, bytes: Uint8Array) => void
  /** Gives a file a second name; rejects with `EEXIST` when the name is taken. */
  readonly link: (from: string, to: string) => Promise<void>
  readonly copy: (from: string, to: string) => Promise<void>
  readonly rename: (from: string, to: string) => Promise<void>
  /** Writes a new file that nobody may change, and returns when the disk has it. */
  readonly writeDurably: (path: string, pieces: Iterable<Uint8Array>) => Promise<void>
  /** Removes a file, or a folder with everything in it; one that is not there is no error. */
  readonly remove: (path: string) => Promise<void>
}

/** The operations of the machine. */
export const quarantineFiles: QuarantineFilesOps = {
  makeFolder: makeSharedFolder,
  makeTemporary: (prefix) => mkdtemp(prefix),
  makeObjectFolder: (path) => void mkdirSync(path, { recursive: true }),
  writeObject: (path, bytes) => writeFileSync(path, bytes, { mode: 0o444, flag: "w" }),
  // A link takes microseconds, and waiting for one takes several times that.
  link: async (from, to) => linkSync(from, to),
  copy: (from, to) => copyFile(from, to),
  rename: (from, to) => rename(from, to),
  writeDurably: async (path, pieces) => {
    const file = await open(path, "wx", 0o444)
    try {
      for (const block of inBlocks(pieces)) await file.writeFile(block)
      await file.sync()
    } finally {
      await file.close()
    }
  },
  remove: (path) => rm(path, { recursive: true, force: true })
}

/** What a quarantine works with: the machine's operations, unless a test says otherwise. */
export class QuarantineFiles extends Context.Reference<QuarantineFiles>()(
  "@patchmoi/git/internal/QuarantineFiles",
  { defaultValue: () => quarantineFiles }
) {}

// --- internal ---

/** Bytes that are written at once. In between others get their turn. */
const blockBytes = 256 * 1024

const inBlocks = function* (pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  let waiting: Array<Uint8Array> = []
  let bytes = 0
  for (const piece of pieces) {
    waiting.push(piece)
    bytes += piece.byteLength
    if (bytes < blockBytes) continue
    yield Buffer.concat(waiting)
    waiting = []
    bytes = 0
  }
  if (bytes > 0) yield Buffer.concat(waiting)
}
