/**
 * Known violations, each with the rules that must find it there, and the same lines in places where the lighter rules hold.
 * They are texts and not files of the repository, because a file with violations would fail the gate itself.
 */

export interface Seed {
  /** Where the file would lie in the repository: which rules hold depends on it. */
  readonly path: string
  readonly text: string
  /** The names of every rule that must report something here; none other may. */
  readonly finds: ReadonlyArray<string>
}

const floating = `import * as Effect from "effect/Effect"
export const lost = (): void => {
  Effect.log("never runs")
}
`

const globals = `export const now = (): number => Date.now()
export const random = (): number => Math.random()
export const later = (run: () => void): unknown => setTimeout(run, 1)
export const say = (): void => console.log("said")
export const home = (): string | undefined => process.env["HOME"]
`

const provide = `import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
class Port extends Context.Tag("seed/Port")<Port, { readonly value: number }>() {}
export const provided = Port.pipe(Effect.provide(Layer.succeed(Port, { value: 1 })))
`

const unknownError = `import * as Effect from "effect/Effect"
export const untyped = (cause: unknown): Effect.Effect<never, unknown> => Effect.fail(cause)
`

const builtin = `import { readFile } from "node:fs/promises"
export const read = (path: string): Promise<string> => readFile(path, "utf8")
`

const globalRules = ["globalConsole", "globalDate", "globalRandom", "globalTimers", "processEnv"]

export const effectRuleSeeds: ReadonlyArray<Seed> = [
  { path: "packages/core/src/floating.ts", text: floating, finds: ["floatingEffect"] },
  { path: "packages/sdk/src/floating.ts", text: floating, finds: ["floatingEffect"] },
  { path: "packages/git/test/floating.test.ts", text: floating, finds: ["floatingEffect"] },
  { path: "flows/seed/floating.ts", text: floating, finds: ["floatingEffect"] },
  { path: "examples/seed/src/floating.ts", text: floating, finds: ["floatingEffect"] },
  { path: "packages/store-file/src/globals.ts", text: globals, finds: globalRules },
  { path: "flows/seed/globals.ts", text: globals, finds: globalRules },
  { path: "examples/seed/src/globals.ts", text: globals, finds: globalRules },
  { path: "examples/seed/src/main.ts", text: globals, finds: ["globalDate", "globalRandom", "globalTimers"] },
  { path: "packages/sdk/src/bin.ts", text: globals, finds: ["globalDate", "globalRandom", "globalTimers"] },
  { path: "packages/core/test/globals.test.ts", text: globals, finds: [] },
  { path: "scripts/globals.ts", text: globals, finds: [] },
  { path: "bench/globals.ts", text: globals, finds: [] },
  { path: "packages/git/src/provide.ts", text: provide, finds: ["strictEffectProvide"] },
  { path: "packages/git/test/provide.test.ts", text: provide, finds: [] },
  { path: "packages/core/src/unknown.ts", text: unknownError, finds: ["anyUnknownInErrorContext"] },
  { path: "packages/core/src/builtin.ts", text: builtin, finds: ["nodeBuiltinImport"] },
  { path: "packages/git/src/builtin.ts", text: builtin, finds: [] }
]
