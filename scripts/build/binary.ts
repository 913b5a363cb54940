/**
 * Packages the command line together with Bun itself: one file that serves and runs flows on a machine that has no Bun.
 *
 * Steps run by the same file: with `BUN_BE_BUN=1` in its environment it is plain Bun
 * (`packages/sdk/src/executor/bunStep.ts`). The runner of module-style steps travels as text, so that nothing is beside it.
 */
import { chmod, mkdir } from "node:fs/promises"
import { dirname } from "node:path"
import { checkShebang, commandLineDefine } from "./commandLine.ts"

/** Writes the program to `outFile`. Rejects with what the bundler said. */
export const buildBinary = async (options: {
  readonly entry: string
  readonly outFile: string
}): Promise<void> => {
  await checkShebang(options.entry)
  await mkdir(dirname(options.outFile), { recursive: true })
  const result = await Bun.build({
    entrypoints: [options.entry],
    target: "bun",
    format: "cjs",
    minify: true,
    bytecode: true,
    define: commandLineDefine,
    compile: {
      outfile: options.outFile,
      // The folder where an operator happens to stand must not change the program: a bunfig.toml can run code.
      autoloadBunfig: false,
      autoloadDotenv: false
    },
    throw: false
  })
  if (!result.success) {
    throw new Error(
      `${options.entry} cannot be compiled (its import graph must have no top-level await):\n${result.logs.join("\n")}`
    )
  }
  await chmod(options.outFile, 0o755)
}
