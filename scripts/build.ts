/** `bun run build`: writes `dist` of every published package, and the packaged command line, `packages/sdk/dist/patchmoi`. */
import { dirname } from "node:path"
import { buildWorkspace, commandLineName } from "./build/workspace.ts"

const startedAt = performance.now()
try {
  for (const { name, doors, commandLine } of await buildWorkspace(dirname(import.meta.dir))) {
    console.log(`${name}: ${doors} doors${commandLine ? `, ${commandLineName}` : ""}`)
  }
  console.log(`built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause)
  process.exitCode = 1
}
