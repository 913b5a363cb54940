/** `bun run build:binary [file]`: compiles the command line and Bun into one program, by default `dist/patchmoi` at the root. */
import { dirname, join, resolve } from "node:path"
import { buildBinary } from "./build/binary.ts"
import { commandLineEntry } from "./build/doors.ts"
import { commandLineName } from "./build/workspace.ts"

const root = dirname(import.meta.dir)
const outFile = resolve(process.argv[2] ?? join(root, "dist", commandLineName))
try {
  await buildBinary({ entry: join(root, "packages/sdk", commandLineEntry), outFile })
  const mebibytes = (await Bun.file(outFile).stat()).size / 1_048_576
  console.log(`${outFile}: ${mebibytes.toFixed(0)} MiB`)
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause)
  process.exitCode = 1
}
