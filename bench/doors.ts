/**
 * The cold import of each published door of the SDK, from source (the `bun` condition) and as built for others (`dist`), as
 * whole processes against an empty one. Run: `bun run build && bun bench/doors.ts`. Reach: `@patchmoi/sdk` at most 15 ×.
 */
import { readdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { measure, toMarkdown } from "./support.ts"
import { makeWorkspace, runProgram } from "./workspace.ts"

const sdk = fileURLToPath(new URL("../packages/sdk/", import.meta.url))

const main = async (): Promise<void> => {
  await using workspace = await makeWorkspace()
  const { exports }: { exports: Record<string, string | { bun: string; default: string }> } = await Bun.file(
    join(sdk, "package.json")
  ).json()
  const built = new Set(await readdir(join(sdk, "dist")))
  const programs: Record<string, string> = {}
  for (const [door, target] of Object.entries(exports)) {
    // The testing door is for `bun test` and does not load elsewhere.
    if (typeof target === "string" || door === "./testing") continue
    const name = `@patchmoi/sdk${door.slice(1)}`
    programs[`${name}, source`] = join(sdk, target.bun)
    const file = target.default.replace("./dist/", "")
    if (!built.has(file)) throw new Error(`${name} is not built: bun run build`)
    programs[`${name}, as published`] = join(sdk, "dist", file)
  }
  const variants: Record<string, () => Promise<void>> = {
    "empty process": () => runProgram([process.execPath, workspace.empty])
  }
  for (const [name, file] of Object.entries(programs)) {
    const program = join(workspace.directory, `${Object.keys(variants).length}.ts`)
    await writeFile(program, `import ${JSON.stringify(file)}\n`)
    variants[name] = () => runProgram([process.execPath, program])
  }
  console.log(toMarkdown(await measure({ name: "cold import", baseline: "empty process", variants })))
}

await main()
