/**
 * The file operations that a quarantine is made of, as one seam: the crash sweep puts a counter around them and stops the
 * process hard at each. Writing is synchronous, because an object is small and is needed at once.
 */
import { linkSync, mkdirSync, writeFileSync } from "node:fs"
import { copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import * as Context from "effect/Context"

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
  /** Removes a folder with everything in it. */
  readonly removeFolder: (path: string) => Promise<void>
}

/** The operations of the machine. */
export const quarantineFiles: QuarantineFilesOps = {
  makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
  makeTemporary: (prefix) => mkdtemp(prefix),
  makeObjectFolder: (path) => void mkdirSync(path, { recursive: true }),
  writeObject: (path, bytes) => writeFileSync(path, bytes, { mode: 0o444, flag: "w" }),
  // A link takes microseconds, and waiting for one takes several times that.
  link: async (from, to) => linkSync(from, to),
  copy: (from, to) => copyFile(from, to),
  rename: (from, to) => rename(from, to),
  removeFolder: (path) => rm(path, { recursive: true, force: true })
}

/** What a quarantine works with: the machine's operations, unless a test says otherwise. */
export class QuarantineFiles extends Context.Reference<QuarantineFiles>()(
  "@patchmoi/git/internal/QuarantineFiles",
  { defaultValue: () => quarantineFiles }
) {}
