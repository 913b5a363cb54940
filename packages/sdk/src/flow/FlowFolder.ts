/** Makes one folder with a `flow.toml` into a flow, or into the list of all that is wrong with it. */
import type { BrokenFlow, Flow, FlowIssue, FlowStep, PayloadCheck } from "@patchmoi/core/flow/Flow"
import { type FileUnreadable, type FileVersion, FileVersions } from "./FileVersions.ts"
import { type FlowManifest, type ManifestPath, type ReadManifest, readManifest } from "./FlowManifest.ts"
import { type FlowPlaces, isInside, realPathOf, resolvePath } from "./FlowPaths.ts"

/** Largest `flow.toml`, in bytes (256 KiB). */
export const manifestBytesMax = 262_144
/** Largest schema file, in bytes (1 MiB); the same bound as in `@patchmoi/core/flow/JsonSchema`. */
export const schemaFileBytesMax = 1_048_576
/** The file that makes a folder a flow. */
export const manifestFileName = "flow.toml"

/** What a folder was found to be. `state` is equal as long as nothing that the flow is made of has changed. */
export type FoundFolder =
  | { readonly kind: "flow"; readonly state: string; readonly flow: Flow }
  | { readonly kind: "broken"; readonly state: string; readonly broken: BrokenFlow; readonly name?: string }

/** Makes the check of a schema file. Asked once per version of the file. */
export type CheckOf = (schema: FileVersion) => PayloadCheck

/** Reads flow folders, each file once per version. */
export class FlowFolderReader {
  readonly #files = new FileVersions()
  readonly #checkOf: CheckOf | undefined
  readonly #manifests = new WeakMap<FileVersion, ReadManifest>()
  readonly #schemas = new WeakMap<FileVersion, SchemaFile>()
  #old = new Map<string, FoundFolder>()
  #current = new Map<string, FoundFolder>()

  constructor(checkOf?: CheckOf) {
    this.#checkOf = checkOf
  }

  /** What the folder is now; `undefined` when it has no `flow.toml`. The same object when nothing changed. */
  read(places: FlowPlaces): FoundFolder | undefined {
    const file = `${places.folder}/${manifestFileName}`
    const version = this.#files.read(file, manifestBytesMax)
    if ("code" in version) {
      if (version.code === "ENOENT" || version.code === "ENOTDIR") return undefined
      return this.#broken(places.folder, file, [unreadable(file, version, manifestBytesMax)])
    }
    const real = realPathOf(file)
    if (real.path === undefined || !isInside(places, real.path)) {
      const message = "leads outside of the flow folder and the workspace, and is not read"
      return this.#broken(places.folder, file, [{ file, message }])
    }
    const read = this.#manifests.get(version) ?? readManifest(file, version.text)
    this.#manifests.set(version, read)
    const files = this.#resolve(places, file, read.paths)
    const issues = [...read.issues, ...files.issues]
    if (read.manifest === undefined || issues.length > 0) {
      return this.#broken(places.folder, file, issues, read.manifest?.name)
    }
    const { manifest, warnings } = read
    const state = [version.identity, ...files.identities].join("\n")
    const make = () => assemble(places.folder, manifest, files, warnings)
    return this.#remember(places.folder, state, () => ({ kind: "flow", state, flow: make() }))
  }

  /** Forgets folders and files that were not read since the last sweep. */
  sweep(): void {
    this.#files.sweep()
    this.#old = this.#current
    this.#current = new Map()
  }

  #resolve(places: FlowPlaces, file: string, paths: ReadonlyArray<ManifestPath>): ResolvedFiles {
    const issues: Array<FlowIssue> = []
    const identities: Array<string> = []
    const pathOf = new Map<string, string>()
    const checkOf = new Map<string, PayloadCheck>()
    for (const path of paths) {
      const target = resolvePath(places, file, path)
      if (typeof target !== "string") {
        issues.push(target)
        continue
      }
      pathOf.set(path.field, target)
      identities.push(target)
      if (path.kind !== "schema") continue
      const schema = this.#files.read(target, schemaFileBytesMax)
      if ("code" in schema) {
        issues.push({ ...unreadable(target, schema, schemaFileBytesMax), field: path.field })
        continue
      }
      identities.push(schema.identity)
      const { issue, check } = this.#schemaFile(schema)
      if (issue !== undefined) issues.push({ ...issue, field: path.field })
      if (check !== undefined) checkOf.set(path.field, check)
    }
    return { issues, identities, pathOf, checkOf }
  }

  #schemaFile(version: FileVersion): SchemaFile {
    const known = this.#schemas.get(version)
    if (known !== undefined) return known
    const made = { issue: syntaxIssue(version), check: this.#checkOf?.(version) }
    this.#schemas.set(version, made)
    return made
  }

  #broken(root: string, file: string, issues: ReadonlyArray<FlowIssue>, name?: string): FoundFolder {
    const state = JSON.stringify([issues, name])
    return this.#remember(root, state, () => ({
      kind: "broken",
      state,
      broken: { root, file, issues },
      ...(name === undefined ? {} : { name })
    }))
  }

  #remember(folder: string, state: string, make: () => FoundFolder): FoundFolder {
    const known = this.#current.get(folder) ?? this.#old.get(folder)
    const found = known?.state === state ? known : make()
    this.#current.set(folder, found)
    return found
  }
}

/** What is made once of one version of a schema file. */
interface SchemaFile {
  readonly issue: FlowIssue | undefined
  readonly check: PayloadCheck | undefined
}

/** The files that a manifest names, each under its field. */
interface ResolvedFiles {
  readonly issues: ReadonlyArray<FlowIssue>
  readonly identities: ReadonlyArray<string>
  readonly pathOf: ReadonlyMap<string, string>
  readonly checkOf: ReadonlyMap<string, PayloadCheck>
}

const unreadable = (file: string, { code }: FileUnreadable, bytesMax: number): FlowIssue => ({
  file,
  message:
    code === "EFBIG"
      ? `is larger than ${bytesMax} bytes`
      : code === "EISDIR"
        ? "is no file"
        : `cannot be read (${code})`
})

/** Only what can be told without the validator, which is loaded when an event first asks for it. */
const syntaxIssue = ({
  path,
  text
}: {
  readonly path: string
  readonly text: string
}): FlowIssue | undefined => {
  try {
    const schema: unknown = JSON.parse(text)
    const fits = typeof schema === "boolean" || (typeof schema === "object" && schema !== null)
    return fits && !Array.isArray(schema)
      ? undefined
      : { file: path, message: "is no JSON Schema: it must be an object or a boolean" }
  } catch {
    return { file: path, message: "is not JSON" }
  }
}

const assemble = (
  root: string,
  manifest: FlowManifest,
  { pathOf, checkOf }: ResolvedFiles,
  warnings: ReadonlyArray<string>
): Flow => ({
  name: manifest.name,
  version: manifest.version,
  ...(manifest.description === undefined ? {} : { description: manifest.description }),
  root,
  ...(manifest.config === undefined ? {} : { config: manifest.config }),
  steps: manifest.steps.map(({ name, trigger, ...step }, index): FlowStep => {
    const schemaField = `steps[${index}].trigger.schema`
    const schemaPath = pathOf.get(schemaField)
    const check = checkOf.get(schemaField)
    const script = pathOf.get(`steps[${index}].script`) ?? step.script
    const cwd = pathOf.get(`steps[${index}].cwd`) ?? root
    return {
      name,
      plan: { ...step, script, cwd },
      ...(trigger === undefined
        ? {}
        : {
            trigger: {
              type: trigger.type,
              ...(schemaPath === undefined ? {} : { schemaPath }),
              ...(check === undefined ? {} : { check })
            }
          })
    }
  }),
  warnings
})
