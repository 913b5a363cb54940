/**
 * The flows of a workspace as the engine's catalog: `FlowFolders` with the checks of payloads.
 *
 * The JSON Schema validator is loaded by the first snapshot that holds a schema, and a schema is compiled when
 * the first payload meets it, once per version of its file. A schema that does not compile breaks its step
 * only: nothing fits it, and the issue says why.
 */

import type { CatalogSnapshot, Flow, FlowIssue, PayloadCheck } from "@patchmoi/core/flow/Flow"
import { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import type { SchemaCompiler } from "@patchmoi/core/flow/JsonSchema"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { type FileVersion, FileVersions } from "./FileVersions.ts"
import { schemaFileBytesMax } from "./FlowFolder.ts"
import { FlowFolders, type FlowFoldersOptions } from "./FlowFolders.ts"

/** Where flows are, and how often they are looked at. */
export interface FlowCatalogFilesOptions extends FlowFoldersOptions {
  /**
   * How long a look at the disk holds, in milliseconds: an edit counts for what comes that much later. A look costs about as
   * much as a commit, so a server that takes events in by the thousand has some. Default: 0, each snapshot looks.
   */
  readonly lookMillis?: number
}

/** A catalog over the flow folders of a workspace. Each snapshot looks at the disk; without a change it is the same object. */
export const layer = (options: FlowCatalogFilesOptions): Layer.Layer<FlowCatalog> =>
  Layer.effect(FlowCatalog, make(options))

/** The catalog behind {@link layer}. */
export const make = (options: FlowCatalogFilesOptions): Effect.Effect<typeof FlowCatalog.Service> =>
  Effect.sync(() => {
    const { lookMillis = 0 } = options
    let compiler: SchemaCompiler | undefined
    let last: { readonly found: CatalogSnapshot; readonly atMillis: number } | undefined
    const folders = new FlowFolders(options, (version) => lazyCheck(version, () => compiler))
    const look = Effect.fn("FlowCatalogFiles.snapshot")(function* (nowMillis: number) {
      const found = folders.read()
      if (compiler === undefined && needsCompiler(found)) compiler = yield* loadCompiler
      last = { found, atMillis: nowMillis }
      return found
    })
    const snapshot = Effect.flatMap(Clock.currentTimeMillis, (nowMillis) => {
      // A clock that was set back is no reason to look at old flows for longer.
      return last !== undefined && Math.abs(nowMillis - last.atMillis) < lookMillis
        ? Effect.succeed(last.found)
        : look(nowMillis)
    })
    return { snapshot }
  })

/**
 * Every schema of these flows that does not compile, as an issue of its file with the pointer as field. For a
 * command that checks flows before an event does; costs the validator's load and each schema's compilation.
 */
export const findBrokenSchemas = Effect.fn("FlowCatalogFiles.findBrokenSchemas")(function* (
  flows: ReadonlyArray<Flow>
) {
  const paths = new Set(flows.flatMap((flow) => flow.steps.flatMap((step) => step.trigger?.schemaPath ?? [])))
  if (paths.size === 0) return []
  const { compile } = yield* loadCompiler
  const files = new FileVersions()
  const issues: Array<FlowIssue> = []
  for (const path of paths) {
    const version = files.read(path, schemaFileBytesMax)
    if ("code" in version) {
      issues.push({ file: path, message: `cannot be read (${version.code})` })
      continue
    }
    const compiled = compile(version.text)
    if (Either.isRight(compiled)) continue
    const { pointer, reason } = compiled.left
    issues.push({ file: path, ...(pointer === "" ? {} : { field: pointer }), message: reason })
  }
  return issues
})

const loadCompiler = Effect.promise(() => import("@patchmoi/core/flow/JsonSchema")).pipe(
  Effect.flatMap((module) => module.makeSchemaCompiler)
)

const needsCompiler = (snapshot: CatalogSnapshot): boolean =>
  snapshot.flows.some((flow) => flow.steps.some((step) => step.trigger?.check !== undefined))

/** A check that is compiled when it is first asked. */
const lazyCheck = (version: FileVersion, compilerOf: () => SchemaCompiler | undefined): PayloadCheck => {
  let check: PayloadCheck | undefined
  return (payload) => {
    check ??= compileCheck(version, compilerOf())
    return check(payload)
  }
}

const compileCheck = (version: FileVersion, compiler: SchemaCompiler | undefined): PayloadCheck => {
  // A snapshot is given out only after the compiler is there.
  if (compiler === undefined) throw new Error("The JSON Schema compiler is not loaded")
  return Either.getOrElse(compiler.compile(version.text), (error): PayloadCheck => {
    const message = `cannot be checked, because ${version.path} cannot be used: ${error.message}`
    return () => [{ pointer: "", keyword: "schema", message }]
  })
}
