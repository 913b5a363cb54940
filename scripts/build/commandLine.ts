/**
 * Packages the command line, so that nothing is resolved or parsed at start:
 *
 *     <name>            a shell script that starts Bun with what a short program wants
 *     <name>.mjs        what Bun is started with: loads the next one, and waits for what it exports as `ended`, if it does
 *     <name>.cjs        the command line, minified, with `.jsc`, its byte code, beside it
 *     <name>.apart.cjs  the commands of `cli/apart.ts`, in the same form: every start pays for the size of what it reads
 *
 * `import()` stays lazy: a command that does not need Effect does not run it. Byte code without a compiled binary needs
 * CommonJS, hence no top-level await in the entry. It belongs to one version of Bun; another version ignores it and runs the
 * file.
 */
import { chmod, rename } from "node:fs/promises"
import { dirname, join } from "node:path"
import type { BunPlugin } from "bun"
import { launcherMark, launcherVariables } from "../../packages/sdk/src/cli/launcherVariables.ts"

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

/** Writes the files above into `outFolder`. Rejects with what the bundler said. */
export const buildCommandLine = async (options: {
  readonly entry: string
  readonly outFolder: string
  readonly name: string
}): Promise<void> => {
  const { entry, name, outFolder } = options
  await checkShebang(entry)
  const apart = join(dirname(entry), "cli", "apart.ts")
  const apartFile = `${name}.apart.cjs`
  const keepApart: BunPlugin = {
    name: "keep apart",
    setup: (build) => {
      build.onResolve({ filter: /\/apart\.ts$/ }, () => ({ path: `./${apartFile}`, external: true }))
    }
  }
  await bundle({ entry, outFolder, file: `${name}.cjs`, plugins: [keepApart] })
  if (await Bun.file(apart).exists()) {
    await bundle({ entry: apart, outFolder, file: apartFile, plugins: [] })
  }
  await Bun.write(join(outFolder, `${name}.mjs`), start(name))
  const program = join(outFolder, name)
  await Bun.write(program, launcher(name))
  await chmod(program, 0o755)
}

// --- internal ---

const bundle = async (options: {
  readonly entry: string
  readonly outFolder: string
  readonly file: string
  readonly plugins: Array<BunPlugin>
}): Promise<void> => {
  const { entry, file, outFolder, plugins } = options
  const result = await Bun.build({
    entrypoints: [entry],
    outdir: outFolder,
    target: "bun",
    format: "cjs",
    minify: true,
    bytecode: true,
    define: commandLineDefine,
    naming: { entry: `${file}.[ext]` },
    plugins,
    throw: false
  })
  if (!result.success) {
    throw new Error(
      `${entry} cannot be packaged (its import graph must have no top-level await):\n${result.logs.join("\n")}`
    )
  }
  const built = join(outFolder, file)
  await rename(`${built}.js`, built)
  await rename(`${built}.js.jsc`, `${built}.jsc`)
}

/**
 * The script. Commands that are over in a moment would spend a third of it on compiling code that runs a few times, and on
 * collecting garbage that goes with the process: for them the compiler waits much longer, and the heap begins larger.
 * `processCaller.ts` takes the variables away again, so that no step inherits them. Services start as Bun does.
 */
const launcher = (name: string): string => `#!/bin/sh
self=$0
if [ -L "$self" ]; then self=$(readlink -f -- "$self"); fi
case "$1" in
  flow | event | run | attempt)
    if [ -z "\${${Object.keys(launcherVariables)[0]}}" ]; then
      export ${Object.entries({ ...launcherVariables, [launcherMark]: "1" })
        .map(([variable, value]) => `${variable}=${value}`)
        .join(" ")}
    fi
    ;;
esac
exec bun "\${self%/*}/${name}.mjs" "$@"
`

/**
 * A program whose first file has ended is collected in full as soon as it waits for something, such as the process of a step:
 * several milliseconds. This file ends when what the entry exports as `ended` has.
 */
const start = (name: string): string => `await require("./${name}.cjs").ended\n`
