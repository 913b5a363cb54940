/** Opens the snapshot of a store, if there is one that fits its log. */
import type { FileSystemOps } from "./fileOps.ts"
import { layout } from "./layout.ts"
import type { ReplicaStart } from "./Replica.ts"
import { type Manifest, misfit, readManifest } from "./snapshotFormat.ts"
import { SortedFile } from "./sortedFile.ts"

/** A snapshot that is used. */
export interface OpenedSnapshot extends ReplicaStart {
  readonly unknown: ReadonlyMap<string, number>
}

/** A snapshot that is not used, and why. */
export interface IgnoredSnapshot {
  /** Completes the sentence "The snapshot is not used: …". */
  readonly reason: string
}

/** Undefined when there is none. Changes nothing. */
export const openSnapshot = (
  ops: FileSystemOps,
  directory: string,
  fold: string
): OpenedSnapshot | IgnoredSnapshot | undefined => {
  const { snapshot, log } = layout(directory)
  const manifest = readManifest(ops, snapshot)
  if (manifest === undefined) return undefined
  if (typeof manifest === "string") return { reason: manifest }
  const reason = misfit(ops, log, manifest, fold)
  if (reason !== undefined) return { reason }
  const files = openFiles(ops, snapshot, manifest)
  if (typeof files === "string") return { reason: files }
  const { position, segments, unknown } = manifest
  return { files, position, segments, unknown: new Map(Object.entries(unknown)) }
}

// --- internal ---

const openFiles = (
  ops: FileSystemOps,
  folder: string,
  { files }: Manifest
): ReadonlyArray<SortedFile> | string => {
  const opened: Array<SortedFile> = []
  for (const { name, bytes, count, top } of files) {
    const reason = tryOpen(() => {
      const path = `${folder}/${name}`
      if (ops.size(path) !== bytes) throw new Error(`its file ${name} has not the size that it had`)
      const file = new SortedFile(ops, path, ops.open(path, "r"), top, count)
      opened.push(file)
      file.get("")
    })
    if (reason === undefined) continue
    for (const { file } of opened) ops.close(file)
    return reason
  }
  return opened
}

const tryOpen = (open: () => void): string | undefined => {
  try {
    open()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
