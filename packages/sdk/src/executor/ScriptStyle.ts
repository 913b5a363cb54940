/**
 * Tells whether a script is a module-style step (it has a default export) or a raw one, by parsing it:
 * "export default" in a comment or a string does not count, `export { x as default }` does.
 */
import { readFileSync, statSync } from "node:fs"
import { extname } from "node:path"
import * as Effect from "effect/Effect"

/** `module`: the default export is called. `raw`: the script is run as it is. */
export type ScriptStyle = "module" | "raw"

/** Largest script that is parsed, in bytes (16 MiB); a larger one, such as a bundle with data in it, is run raw. */
export const scriptBytesMax = 16_777_216

/** Answers that are kept, one per script path. The oldest goes first. */
export const scriptStylesMax = 1_024

/** What the file system says against a script. */
export interface ScriptProblem {
  readonly reason: string
}

/**
 * Makes a detector that remembers its answer for as long as the file is the same one: device, inode, size,
 * and times of content and metadata. It fails when there is no such file, or it cannot be read.
 *
 * A script that does not parse is `raw`, so that Bun itself explains the syntax error on stderr.
 */
export const makeScriptStyle = (): ((script: string) => Effect.Effect<ScriptStyle, ScriptProblem>) => {
  const known = new Map<string, { readonly identity: string; readonly style: ScriptStyle }>()
  return Effect.fnUntraced(function* (script: string) {
    const file = yield* attempt(script, () => statSync(script, { bigint: true }))
    if (!file.isFile()) return yield* Effect.fail({ reason: `the script is not a file: ${script}` })
    const identity = [file.dev, file.ino, file.size, file.mtimeNs, file.ctimeNs].join(":")
    const remembered = known.get(script)
    if (remembered?.identity === identity) return remembered.style
    const loader = loaders.get(extname(script))
    const style =
      loader === undefined || file.size > scriptBytesMax
        ? "raw"
        : styleOf(yield* attempt(script, () => readFileSync(script, "utf8")), loader)
    known.delete(script)
    known.set(script, { identity, style })
    for (const oldest of known.keys()) {
      if (known.size <= scriptStylesMax) break
      known.delete(oldest)
    }
    return style
  })
}

/** The style of a program text. */
export const styleOf = (text: string, loader: "ts" | "tsx" | "jsx"): ScriptStyle => {
  try {
    return new Bun.Transpiler({ loader }).scan(text).exports.includes("default") ? "module" : "raw"
  } catch {
    return "raw"
  }
}

// --- internal ---

const loaders = new Map<string, "ts" | "tsx" | "jsx">([
  [".ts", "ts"],
  [".mts", "ts"],
  [".cts", "ts"],
  [".tsx", "tsx"],
  [".js", "jsx"],
  [".mjs", "jsx"],
  [".cjs", "jsx"],
  [".jsx", "jsx"]
])

/** Synchronous, because a wake-up of the thread pool costs more than the call: up to milliseconds on a busy machine. */
const attempt = <A>(script: string, read: () => A): Effect.Effect<A, ScriptProblem> =>
  Effect.try({
    try: read,
    catch: (cause) => ({
      reason:
        cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")
          ? `the script does not exist: ${script}`
          : `the script cannot be read: ${script} (${cause instanceof Error ? cause.message : String(cause)})`
    })
  })
