/**
 * Packages the command line, so that nothing is resolved or parsed at start:
 *
 *     <name>            a shell script that starts Bun with what a short program wants
 *     <name>.mjs        what Bun is started with: loads the next one, and waits for what it exports as `ended`, if it does
 *     <name>.cjs        the command line, minified, with `.jsc`, its byte code, beside it
 *     <name>.apart.cjs  what `cli/apart.ts` names, in the same form: every start pays for the size of what it reads
 *     <name>.validator.cjs  the validator of JSON Schema, which both of them load when they meet a schema
 *
 * `import()` stays lazy: a command that does not need Effect does not run it. Byte code without a compiled binary needs
 * CommonJS, hence no top-level await in the entry. It belongs to one version of Bun; another version ignores it and runs the
 * file.
 */
import { chmod, rename } from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
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
  const parts = await partsOf(dirname(entry), name)
  await bundle({ entry, outFolder, file: `${name}.cjs`, parts })
  for (const { entry, file } of parts) {
    await bundle({ entry, outFolder, file, parts: parts.filter((part) => part.entry !== entry) })
  }
  await Bun.write(join(outFolder, `${name}.mjs`), start(name))
  const program = join(outFolder, name)
  await Bun.write(program, launcher(name))
  await chmod(program, 0o755)
}

// --- internal ---

/** A module that is packaged in a file of its own: loaded by `import()`, and by nothing else. */
interface Part {
  readonly entry: string
  readonly file: string
}

/** The parts that the workspace of an entry has. */
const partsOf = async (source: string, name: string): Promise<ReadonlyArray<Part>> => {
  const known = {
    apart: join(source, "cli", "apart.ts"),
    validator: join(source, "../../core/src/internal/jsonSchema/validator.ts")
  }
  const found: Array<Part> = []
  for (const [part, entry] of Object.entries(known)) {
    if (await Bun.file(entry).exists()) found.push({ entry, file: `${name}.${part}.cjs` })
  }
  return found
}

/** Has a bundle load the parts from their files. */
const leaveOut = (parts: ReadonlyArray<Part>): BunPlugin => ({
  name: "leave out",
  setup: (build) => {
    build.onResolve({ filter: /^\..*\.ts$/ }, ({ path, importer }) => {
      const part = parts.find(({ entry }) => entry === resolve(dirname(importer), path))
      return part === undefined ? undefined : { path: `./${part.file}`, external: true }
    })
  }
})

const bundle = async (options: {
  readonly entry: string
  readonly outFolder: string
  readonly file: string
  readonly parts: ReadonlyArray<Part>
}): Promise<void> => {
  const { entry, file, outFolder, parts } = options
  const result = await Bun.build({
    entrypoints: [entry],
    outdir: outFolder,
    target: "bun",
    format: "cjs",
    minify: true,
    bytecode: true,
    define: commandLineDefine,
    naming: { entry: `${file}.[ext]` },
    plugins: [leaveOut(parts)],
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
command -v bun > /dev/null || {
  echo "${name} needs Bun, and there is no bun on the PATH: https://bun.com/docs/installation" >&2
  exit 127
}
exec bun "\${self%/*}/${name}.mjs" "$@"
`

/**
 * A program whose first file has ended is collected in full as soon as it waits for something, such as the process of a step:
 * several milliseconds. This file ends when what the entry exports as `ended` has.
 */
const start = (name: string): string => `await require("./${name}.cjs").ended\n`
