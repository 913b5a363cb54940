/** What every architecture rule looks at: the files of the repository as text, and what each one imports. */
import { isBuiltin } from "node:module"
import { posix } from "node:path"
import { runCommand } from "../verify/command.ts"
import type { PackageManifest } from "../verify/pack.ts"
import { type Import, readImports } from "./imports.ts"

/** Texts by path, relative to the repository, with `/`. Rules take this, so that a test can hand them a house of three lines. */
export type Files = ReadonlyMap<string, string>

/** One broken rule, as a sentence that begins with the file. */
export type Violation = string

/** A `.ts` file with its imports, each followed to where it leads. */
export interface Module {
  readonly path: string
  readonly room: Room
  readonly imports: ReadonlyArray<FollowedImport>
}

export interface FollowedImport extends Import {
  /** The file of this repository that the import leads to; absent for an outside package, a built-in, or a door that is not there. */
  readonly target?: string
  /** The room of the target; for a door that is not there, the room that was knocked at. */
  readonly targetRoom?: Room
  readonly kind: "relative" | "workspace" | "builtin" | "outside"
}

/** `core`, `store-file`, … for packages; the top folder for everything else; the empty text for files at the root. */
export type Room = string

/** Every text file that git tracks or would track: a file counts before its first commit. */
export const readFiles = async (root: string): Promise<Files> => {
  const listed = await runCommand(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: root
  })
  if (listed.exitCode !== 0) throw new Error(`git ls-files failed in ${root}: ${listed.output}`)
  const files = new Map<string, string>()
  for (const path of listed.stdout.split("\0").filter(Boolean).sort()) {
    const file = Bun.file(`${root}/${path}`)
    // A tracked file may be gone from the working tree, and a binary one has no lines to read.
    const text = (await file.exists()) ? await file.text() : "\0"
    if (!text.includes("\0")) files.set(path, text)
  }
  return files
}

export const isSource = (path: string): boolean => path.endsWith(".ts") && !path.endsWith(".d.ts")

export const roomOf = (path: string): Room => {
  const [top = "", second = ""] = path.split("/")
  if (!path.includes("/")) return ""
  return top === "packages" ? second : top
}

/** Every TypeScript file with its imports followed. */
export const readModules = (files: Files): ReadonlyArray<Module> => {
  const manifests = readManifests(files)
  return [...files].flatMap(([path, text]) =>
    isSource(path)
      ? [
          {
            path,
            room: roomOf(path),
            imports: readImports(text).map((found) => ({
              ...found,
              ...follow(files, manifests, path, found.specifier)
            }))
          }
        ]
      : []
  )
}

export interface Manifest extends PackageManifest {
  readonly folder: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/** The manifests of the workspace's packages by package name. */
export const readManifests = (files: Files): ReadonlyMap<string, Manifest> =>
  new Map(
    [...files].flatMap(([path, text]) => {
      if (!/^(?:packages|examples|flows)\/[^/]+\/package\.json$/.test(path)) return []
      const manifest: PackageManifest = JSON.parse(text)
      return [[manifest.name, { ...manifest, folder: posix.dirname(path) }] as const]
    })
  )

/** `@scope/name/door` → `@scope/name`. */
export const packageNameOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/")

// --- internal ---

type Followed = Pick<FollowedImport, "target" | "targetRoom" | "kind">

const follow = (
  files: Files,
  manifests: ReadonlyMap<string, Manifest>,
  from: string,
  specifier: string
): Followed => {
  if (specifier.startsWith(".")) {
    const target = fileAt(files, posix.join(posix.dirname(from), specifier))
    return { kind: "relative", ...(target === undefined ? {} : { target, targetRoom: roomOf(target) }) }
  }
  if (specifier === "bun" || specifier.startsWith("bun:") || isBuiltin(specifier)) return { kind: "builtin" }
  const manifest = manifests.get(packageNameOf(specifier))
  if (manifest === undefined) return { kind: "outside" }
  const door = `.${specifier.slice(manifest.name.length)}`
  const source = doorSource(manifest, door)
  const target = source === undefined ? undefined : fileAt(files, posix.join(manifest.folder, source))
  return {
    kind: "workspace",
    targetRoom: roomOf(`${manifest.folder}/x`),
    ...(target === undefined ? {} : { target })
  }
}

const fileAt = (files: Files, path: string): string | undefined =>
  [path, `${path}.ts`, `${path}/index.ts`, path.replace(/\.js$/, ".ts")].find((candidate) =>
    files.has(candidate)
  )

/** The source file that a door of a package leads to: the most exact pattern of `exports` wins, and `null` closes it. */
const doorSource = ({ exports = {} }: Manifest, door: string): string | undefined => {
  const [pattern, target] =
    Object.entries(exports)
      .filter(([key]) => key === door || matchStar(key, door) !== undefined)
      .sort(([left], [right]) => right.replace("*", "").length - left.replace("*", "").length)
      .at(0) ?? []
  if (pattern === undefined || target === null || target === undefined) return undefined
  const source = typeof target === "string" ? target : (target["bun"] ?? target["default"])
  return source?.replace("*", matchStar(pattern, door) ?? "")
}

const matchStar = (pattern: string, text: string): string | undefined => {
  const [before = "", after] = pattern.split("*")
  if (after === undefined || text.length < before.length + after.length) return undefined
  return text.startsWith(before) && text.endsWith(after)
    ? text.slice(before.length, text.length - after.length)
    : undefined
}
