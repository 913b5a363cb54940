/** Looks whether the snapshot of a store is whole, and what the files beside a log say about its length. */
import { readCheckpoint } from "./checkpoint.ts"
import type { FileSystemOps } from "./fileOps.ts"
import { layout } from "./layout.ts"
import { type Manifest, misfit, readManifest } from "./snapshotFormat.ts"
import { SortedFile } from "./sortedFile.ts"

/** How a snapshot is. */
export interface SnapshotReport {
  /** The position up to which it goes; 0 when that cannot be read. */
  readonly position: number
  /** Why it cannot be used, whatever folds the documents; undefined when every byte of it is as it was written. */
  readonly flaw: string | undefined
}

/** A file beside the log, and the last position that it knows of. */
export interface KnownBeside {
  readonly file: string
  readonly position: number
}

/** Reads all of the snapshot; undefined when there is none. */
export const verifySnapshot = (ops: FileSystemOps, directory: string): SnapshotReport | undefined => {
  const { snapshot, log } = layout(directory)
  const manifest = readManifest(ops, snapshot)
  if (manifest === undefined) return undefined
  if (typeof manifest === "string") return { position: 0, flaw: manifest }
  const { position } = manifest
  return { position, flaw: misfit(ops, log, manifest, manifest.fold) ?? fileFlaw(ops, snapshot, manifest) }
}

/** What knows most of the log; undefined when nothing does. */
export const knownBeside = (
  ops: FileSystemOps,
  directory: string,
  snapshot: SnapshotReport | undefined
): KnownBeside | undefined => {
  const files = Object.entries(readCheckpoint(ops, directory)).map(([file, { position }]) => ({
    file,
    position
  }))
  const all = [{ file: "the snapshot", position: snapshot?.position ?? 0 }, ...files]
  return all.toSorted((left, right) => right.position - left.position).find(({ position }) => position > 0)
}

// --- internal ---

const fileFlaw = (ops: FileSystemOps, folder: string, { files }: Manifest): string | undefined => {
  for (const { name, bytes, count, top } of files) {
    const path = `${folder}/${name}`
    if (ops.size(path) !== bytes) return `its file ${name} has not the size that it had`
    const file = ops.open(path, "r")
    try {
      const found = new SortedFile(ops, path, file, top, count).check()
      if (found !== count) return `its file ${name} holds ${found} entries, and should hold ${count}`
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    } finally {
      ops.close(file)
    }
  }
  return undefined
}
