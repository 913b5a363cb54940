/** Builds `dist` of every published package of a workspace. */
import { mkdir, rename, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { type PackageManifest, publishedFolders } from "../verify/pack.ts"
import { buildCommandLine } from "./commandLine.ts"
import { commandLineEntry, doorSources } from "./doors.ts"
import { buildModules, copyDeclarations, emitDeclarations } from "./library.ts"

export interface BuiltPackage {
  readonly name: string
  readonly doors: number
  /** Whether the package brings a command line: `dist/patchmoi`. */
  readonly commandLine: boolean
}

/** The file name of the packaged command line. */
export const commandLineName = "patchmoi"

/**
 * Everything is built in a draft below `.cache` first: a build that fails leaves the `dist` folders as they were, and two
 * builds at once do not mix.
 */
export const buildWorkspace = async (root: string): Promise<ReadonlyArray<BuiltPackage>> => {
  const draft = join(root, ".cache", `build.${process.pid}`)
  try {
    await emitDeclarations({ root, outFolder: join(draft, "types") })
    const built: Array<BuiltPackage> = []
    const folders = await publishedFolders(root)
    for (const folder of folders) built.push(await buildPackage(folder, draft))
    for (const folder of folders) {
      await rm(join(folder, "dist"), { recursive: true, force: true })
      await rename(join(draft, basename(folder)), join(folder, "dist"))
    }
    return built
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

const buildPackage = async (folder: string, draft: string): Promise<BuiltPackage> => {
  const manifest: PackageManifest = await Bun.file(join(folder, "package.json")).json()
  const outFolder = join(draft, basename(folder))
  const sources = await doorSources(folder, manifest)
  if (sources.length === 0) throw new Error(`${manifest.name} has no door with a source to build.`)
  await mkdir(outFolder, { recursive: true })
  await buildModules({ packageFolder: folder, sources, outFolder })
  await copyDeclarations(join(draft, "types", basename(folder), "src"), outFolder)
  const entry = join(folder, commandLineEntry)
  const commandLine = await Bun.file(entry).exists()
  if (commandLine) await buildCommandLine({ entry, outFolder, name: commandLineName })
  return { name: manifest.name, doors: sources.length, commandLine }
}
