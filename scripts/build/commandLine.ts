/**
 * Packages the command line: one file with everything in it, minified, and its byte code beside it, so that nothing is
 * resolved or parsed at start. `import()` stays lazy: a command that does not need Effect does not run it.
 *
 * Byte code without a compiled binary needs CommonJS, hence no top-level await in the entry. It belongs to one version of
 * Bun; another version ignores it and runs the file.
 */
import { chmod, rename } from "node:fs/promises"
import { join } from "node:path"

/**
 * Effect's logger asks `process.stdout` when it is loaded, which opens a stream: 7 ms. The command line writes to the
 * descriptor itself, and asks the stream for its columns by another name.
 */
export const commandLineDefine = { "process.stdout": "undefined" }

/** Rejects unless the entry is what a shell can start. */
export const checkShebang = async (entry: string): Promise<void> => {
  if ((await Bun.file(entry).text()).startsWith("#!/usr/bin/env bun\n")) return
  throw new Error(`${entry} must begin with "#!/usr/bin/env bun", or a shell could not start the program.`)
}

/** Writes `<outFolder>/<name>` and `<name>.jsc`. Rejects with what the bundler said. */
export const buildCommandLine = async (options: {
  readonly entry: string
  readonly outFolder: string
  readonly name: string
}): Promise<void> => {
  // The first line is kept as it is, and cannot be added later: the byte code belongs to the exact text.
  await checkShebang(options.entry)
  const result = await Bun.build({
    entrypoints: [options.entry],
    outdir: options.outFolder,
    target: "bun",
    format: "cjs",
    minify: true,
    bytecode: true,
    define: commandLineDefine,
    naming: { entry: `${options.name}.[ext]` },
    throw: false
  })
  if (!result.success) {
    throw new Error(
      `${options.entry} cannot be packaged (its import graph must have no top-level await):\n${result.logs.join("\n")}`
    )
  }
  const program = join(options.outFolder, options.name)
  await rename(`${program}.js`, program)
  await rename(`${program}.js.jsc`, `${program}.jsc`)
  await chmod(program, 0o755)
}
