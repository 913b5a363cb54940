/** Which source files the doors of a package lead to: what `exports` names is what is built. */
import { Glob } from "bun"
import type { PackageManifest } from "../verify/pack.ts"

/** The entry of the command line. It is packaged on its own, never as a door of the library. */
export const commandLineEntry = "src/bin.ts"

/**
 * The source files of every door, relative to the package, sorted. A door with a `*` opens every file under its folder
 * that no closed door (`null`) covers. A door without a `bun` source, such as `./package.json`, needs no build.
 */
export const doorSources = async (
  folder: string,
  manifest: PackageManifest
): Promise<ReadonlyArray<string>> => {
  const doors = Object.entries(manifest.exports ?? {})
  const closed = doors.flatMap(([door, target]) =>
    target === null ? [new Glob(door.replace("*", "**"))] : []
  )
  const sources = new Set<string>()
  for (const [door, target] of doors) {
    const source = typeof target === "object" ? target?.["bun"] : undefined
    if (source === undefined) continue
    const [before = "", after] = source.split("*")
    const found = new Glob(after === undefined ? source : `${before}**/*${after}`)
    for await (const match of found.scan({ cwd: folder })) {
      const path = match.replace(/^\.\//, "")
      const name =
        after === undefined ? "" : path.slice(before.replace(/^\.\//, "").length, path.length - after.length)
      const opened = door.replace("*", name)
      if (path !== commandLineEntry && !closed.some((glob) => glob.match(opened))) sources.add(path)
    }
  }
  return [...sources].sort()
}
