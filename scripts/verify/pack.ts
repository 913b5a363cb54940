/**
 * Checks what each published package would ship: its manifest, README and licence, `src`, `dist`, and every file that its
 * `exports` and `bin` name; nothing else, and no test.
 */
import { Glob } from "bun"
import { runCommand } from "./command.ts"
import { type Gate, outcomeOf } from "./gate.ts"

export const packGate: Gate = {
  name: "pack contents",
  run: async ({ root }) => {
    const folders = await publishedFolders(root)
    const problems: Array<string> = []
    let files = 0
    for (const folder of folders) {
      const result = await runCommand(["bun", "pm", "pack", "--dry-run"], { cwd: folder })
      const manifest: PackageManifest = await Bun.file(`${folder}/package.json`).json()
      const packed = packedFiles(result.output)
      files += packed.length
      if (result.exitCode !== 0) problems.push(`${manifest.name}: bun pm pack failed: ${result.output}`)
      else problems.push(...packProblems(manifest, packed))
    }
    if (folders.length === 0) problems.push("No published package was found under packages/.")
    return outcomeOf(problems, `${folders.length} packages, ${files} files`)
  }
}

export interface PackageManifest {
  readonly name: string
  readonly private?: boolean
  readonly exports?: Readonly<Record<string, ExportTarget>>
  readonly bin?: Readonly<Record<string, string>>
}

export type ExportTarget = null | string | Readonly<Record<string, string>>

/** Absolute folders of the packages that are published: those under `packages/` that are not private. */
export const publishedFolders = async (root: string): Promise<ReadonlyArray<string>> => {
  const folders: Array<string> = []
  for await (const path of new Glob("packages/*/package.json").scan({ cwd: root })) {
    const manifest: PackageManifest = await Bun.file(`${root}/${path}`).json()
    if (manifest.private !== true) folders.push(`${root}/${path.slice(0, -"/package.json".length)}`)
  }
  return folders.sort()
}

/** The paths in the output of `bun pm pack --dry-run`, whose lines read `packed 1.2KB src/index.ts`. */
export const packedFiles = (output: string): ReadonlyArray<string> =>
  [...output.matchAll(/^packed [\d.]+ ?[KMG]?B (.+)$/gm)].flatMap((match) => match[1] ?? [])

/** One sentence for each file that should not ship, and for each door that would lead nowhere. */
export const packProblems = (
  manifest: PackageManifest,
  packed: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const unexpected = packed.filter((path) => !expectedPath.test(path) || testPath.test(path))
  const built = packed.some((path) => path.startsWith("dist/"))
  const missing = doorTargets(manifest)
    .filter((target) => built || !target.startsWith("dist/"))
    .filter((target) => !packed.some((path) => new Glob(target.replace("*", "**")).match(path)))
  return [
    ...unexpected.map((path) => `${manifest.name} would ship ${path}, which is not part of the package`),
    ...missing.map((path) => `${manifest.name} promises ${path} in package.json, but would not ship it`),
    ...(packed.some((path) => path.startsWith("src/")) ? [] : [`${manifest.name} would ship no source`])
  ]
}

const expectedPath = /^(?:package\.json|README\.md|LICENSE|(?:src|dist)\/.+)$/
const testPath = /\.test\.|\.tsbuildinfo$|(?:^|\/)\.[^/]+$/

/** Every file that `exports` and `bin` point to, relative to the package; a `*` stands for any path. */
const doorTargets = ({ exports = {}, bin = {} }: PackageManifest): ReadonlyArray<string> => {
  const targets = Object.values(exports).flatMap((target) =>
    target === null ? [] : typeof target === "string" ? [target] : Object.values(target)
  )
  return ["package.json", ...[...targets, ...Object.values(bin)].map((target) => target.replace(/^\.\//, ""))]
}
