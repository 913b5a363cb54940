/** Type-checks every TypeScript block of the documentation in one run of the compiler. */
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { localProgram, runCommand } from "../verify/command.ts"
import { type Block, placeOf } from "./pages.ts"
import { type Scratch, slugOf } from "./scratch.ts"

/** One line for each error, with the page and its line; none when all is well. */
export const typeErrors = async (
  repository: string,
  scratch: Scratch,
  blocks: ReadonlyArray<Block>
): Promise<ReadonlyArray<string>> => {
  const project = join(scratch.root, "types")
  const pages = new Map<string, string>()
  for (const block of blocks.filter(({ language }) => language === "ts")) {
    const path = join(slugOf(block.page), block.file ?? `block-${block.line}.ts`)
    if (pages.has(path))
      return [`${placeOf(block)}: ${block.file} is there already, and a page has one of a name`]
    pages.set(path, block.page)
    await mkdir(dirname(join(project, path)), { recursive: true })
    // Empty lines in front, so that the compiler counts the lines of the page.
    await writeFile(join(project, path), "\n".repeat(block.line) + block.text)
  }
  if (pages.size === 0) return []
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(settings(repository), undefined, 2))
  const { exitCode, output } = await runCommand(
    [localProgram(repository, "tsc"), "-p", ".", "--pretty", "false"],
    {
      cwd: project
    }
  )
  if (exitCode === 0) return []
  return output.split("\n").flatMap((line) => {
    const [, path, at = "", rest = ""] = /^([^(\s]+)\((\d+),\d+\): (.*)$/.exec(line) ?? []
    const page = pages.get(path ?? "")
    if (page !== undefined) return [`${page}:${at} ${rest}`]
    // Errors of the packages themselves have a gate of their own; the lines behind an error explain it.
    return path !== undefined || line.startsWith(" ") ? [] : [line]
  })
}

// --- internal ---

/** The house's own settings; a block on its own may leave a name unused, and is a module without an import. */
const settings = (repository: string) => ({
  extends: join(repository, "tsconfig.json"),
  compilerOptions: {
    noUnusedLocals: false,
    noUnusedParameters: false,
    moduleDetection: "force",
    plugins: []
  },
  include: ["**/*.ts"]
})
