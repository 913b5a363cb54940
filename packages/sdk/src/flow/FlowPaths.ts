/**
 * Where the files of a flow really lie. A script, a schema and a working directory must be inside the flow folder or
 * inside the workspace, after every `..` and every symbolic link is followed; what is outside is refused.
 *
 * The path that comes out is the real one: what was checked is what runs.
 */
import { realpathSync, type Stats, statSync } from "node:fs"
import { isAbsolute, relative, resolve, sep } from "node:path"
import type { FlowIssue } from "@patchmoi/core/flow/Flow"
import type { ManifestPath } from "./FlowManifest.ts"

/** The two places in which the files of a flow may lie. */
export interface FlowPlaces {
  /** The flow folder, absolute, as it was found. Paths in the manifest are relative to it. */
  readonly folder: string
  /** The flow folder without symbolic links. */
  readonly folderReal: string
  /** The workspace without symbolic links. */
  readonly workspaceReal: string
}

const expectations: Record<ManifestPath["kind"], string> = {
  script: "a file inside the flow folder or the workspace",
  schema: "a file inside the flow folder or the workspace",
  cwd: "a folder inside the flow folder or the workspace"
}

/** The real path of what a manifest names, or the issue with it. */
export const resolvePath = (places: FlowPlaces, file: string, path: ManifestPath): string | FlowIssue => {
  const expected = expectations[path.kind]
  const refused = (why: string): FlowIssue => {
    const found = JSON.stringify(path.value)
    const message = `${path.field} must be ${expected}; found ${found}, ${why}`
    return { file, field: path.field, expected, found, message }
  }
  const absolute = resolve(places.folder, path.value)
  if (path.kind === "cwd" && absolute === places.folder) return places.folderReal
  const real = realPathOf(absolute)
  if (real.path === undefined) {
    // Whether something exists outside is nobody's business, so a path that leaves by its text says only that.
    if (!isInside(places, absolute) && !isInside(places, resolve(places.folderReal, path.value))) {
      return refused("which is outside of both")
    }
    return refused(real.code === "ENOENT" ? "which does not exist" : `which cannot be read (${real.code})`)
  }
  if (!isInside(places, real.path)) {
    return refused(absolute === real.path ? "which is outside of both" : `which leads to ${real.path}`)
  }
  // Whoever reads the schema finds out whether it is a file.
  if (path.kind === "schema") return real.path
  const status = statusOf(real.path)
  if (path.kind === "cwd") return status?.isDirectory() === true ? real.path : refused("which is no folder")
  return status?.isFile() === true ? real.path : refused("which is no file")
}

/** The path without symbolic links, or the code of the error, such as `ENOENT`. */
export const realPathOf = (
  path: string
): { readonly path: string; readonly code?: never } | { readonly path?: never; readonly code: string } => {
  try {
    return { path: realpathSync.native(path) }
  } catch (cause) {
    return { code: errorCode(cause) }
  }
}

/** The code of an error of the file system; `unknown` where there is none. */
export const errorCode = (cause: unknown): string =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "unknown"

/** Whether a path lies in the flow folder or in the workspace, or is one of them. */
export const isInside = (places: FlowPlaces, path: string): boolean =>
  isBelow(places.folderReal, path) || isBelow(places.workspaceReal, path)

const statusOf = (path: string): Stats | undefined => {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

const isBelow = (root: string, path: string): boolean => {
  const way = relative(root, path)
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}
