/**
 * Builds what users of Node, browsers and bundlers import: one `.js` for each door, code that doors share in common chunks
 * (two copies of a class would not recognise each other's instances), and declarations beside them.
 *
 * Every package stays outside: what is installed is what runs.
 */
import { mkdir } from "node:fs/promises"
import { dirname, join } from "node:path"
import { Glob } from "bun"
import { localProgram, runCommand } from "../verify/command.ts"

/** Writes one module for each source file into the folder. Rejects with what the bundler said. */
export const buildModules = async (options: {
  readonly packageFolder: string
  readonly sources: ReadonlyArray<string>
  readonly outFolder: string
}): Promise<void> => {
  const result = await Bun.build({
    entrypoints: options.sources.map((source) => join(options.packageFolder, source)),
    root: join(options.packageFolder, "src"),
    outdir: options.outFolder,
    target: "node",
    format: "esm",
    splitting: true,
    packages: "external",
    external: ["bun", "bun:*"],
    naming: { entry: "[dir]/[name].[ext]", chunk: "chunks/[name]-[hash].[ext]" },
    sourcemap: "linked",
    throw: false
  })
  if (!result.success) throw new Error(`${options.packageFolder} does not build:\n${result.logs.join("\n")}`)
}

/**
 * Writes the declarations of every package of the workspace below `outFolder`, as `<package>/src/…d.ts`. One run of the
 * compiler for all, because each sees the others' sources. Rejects with the compiler's errors.
 */
export const emitDeclarations = async (options: {
  readonly root: string
  /** A folder inside the repository, so that `node_modules` is found. */
  readonly outFolder: string
}): Promise<void> => {
  const project = join(options.outFolder, "tsconfig.json")
  await mkdir(options.outFolder, { recursive: true })
  await Bun.write(
    project,
    JSON.stringify({
      extends: join(options.root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        rootDir: join(options.root, "packages"),
        outDir: options.outFolder,
        plugins: []
      },
      include: [join(options.root, "packages/*/src")]
    })
  )
  const result = await runCommand([localProgram(options.root, "tsc"), "--project", project], {
    cwd: options.root
  })
  if (result.exitCode !== 0) throw new Error(`tsc could not write the declarations:\n${result.output}`)
}

/**
 * Copies one package's declarations, so that their relative imports name the `.js` files that are there. Throws where one names
 * a module that another package keeps to itself: the compiler of a user would read that type as `any`, or refuse it.
 */
export const copyDeclarations = async (from: string, to: string): Promise<void> => {
  for await (const path of new Glob("**/*.d.ts").scan({ cwd: from })) {
    const text = await Bun.file(join(from, path)).text()
    const [, kept] = internalOfAnother.exec(text) ?? []
    if (kept !== undefined) {
      throw new Error(`${join(from, path)} names a type of ${kept}: declare it in a module with a door`)
    }
    await mkdir(dirname(join(to, path)), { recursive: true })
    await Bun.write(join(to, path), text.replace(relativeTypeScript, "$1.js$2"))
  }
}

const relativeTypeScript = /((?:from |import\()["']\.{1,2}\/[^"'\n]+)\.ts(["'])/g
const internalOfAnother = /(?:from |import\()["'](@[^"'/\n]+\/[^"'/\n]+\/internal\/[^"'\n]+)["']/
