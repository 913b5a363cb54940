/** Which patches must be skipped because an earlier one was: those that build on it, and those that touch its paths. */
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import { skippedPathsMax } from "../patch/RebuildResult.ts"

/** What a skipped patch takes along. Paths have one byte for each character. */
export interface Skipped {
  readonly name: string
  readonly base: string
  readonly commits: ReadonlySet<string>
  readonly paths: ReadonlySet<string>
  /** Every folder above the paths. */
  readonly folders: ReadonlySet<string>
}

/** The patch with what it touches. */
export const skippedOf = (planned: PlannedPatch, paths: ReadonlySet<string>): Skipped => ({
  name: planned.name,
  base: planned.base,
  commits: new Set(planned.commits),
  paths,
  folders: new Set([...paths].flatMap(foldersAbove))
})

/** The first skipped patch on which this one depends, and the paths that both touch; or `null`. */
export const blockerOf = (
  skipped: ReadonlyArray<Skipped>,
  patch: Skipped
): { readonly on: string; readonly paths: ReadonlyArray<string> } | null => {
  for (const earlier of skipped) {
    const paths = [...patch.paths].filter((path) => meets(earlier, path))
    if (paths.length === 0 && !earlier.commits.has(patch.base)) continue
    const shown = paths.slice(0, skippedPathsMax).map((path) => Buffer.from(path, "latin1").toString("utf8"))
    return { on: earlier.name, paths: shown }
  }
  return null
}

// --- internal ---

/** The same path, or one of them is a folder above the other: a file took the place of a folder, or the other way. */
const meets = ({ folders, paths }: Skipped, path: string): boolean =>
  paths.has(path) || folders.has(path) || foldersAbove(path).some((folder) => paths.has(folder))

const foldersAbove = (path: string): ReadonlyArray<string> => {
  const folders: Array<string> = []
  for (let at = path.indexOf("/"); at >= 0; at = path.indexOf("/", at + 1)) folders.push(path.slice(0, at))
  return folders
}
