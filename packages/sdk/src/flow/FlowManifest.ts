/**
 * Reads the text of a `flow.toml`. Pure: whether the files that it names exist, and where they lie, is looked
 * up in `FlowPaths.ts`.
 *
 * Every wrong field is listed, not only the first. An unknown key is a warning, with the known key that is nearest.
 */
import type { FlowIssue, ResourceLimits, RetryPolicy, RunnerName } from "@patchmoi/core/flow/Flow"
import { parse, TomlError } from "smol-toml"
import { flowKeys, guidanceKeys, limitsKeys, retryKeys, stepKeys, triggerKeys } from "./FlowManifestKeys.ts"
import { envName, isTable, manifestBounds, retryReason, type Table } from "./FlowManifestKinds.ts"
import { ManifestReader } from "./ManifestReader.ts"

/** A step as its manifest has it: checked, defaults filled in, paths as they are written. */
export interface ManifestStep {
  readonly name: string
  readonly runner: RunnerName
  readonly script: string
  readonly cwd: string
  readonly timeoutMillis: number
  readonly outputBytesMax: number
  readonly retry: RetryPolicy
  readonly priority: number
  readonly concurrency?: number
  readonly concurrencyKey?: string
  readonly env: ReadonlyArray<string>
  readonly limits?: ResourceLimits
  readonly trigger?: { readonly type: string; readonly schema?: string }
}

/** A manifest in which nothing is wrong. */
export interface FlowManifest {
  readonly name: string
  readonly version: number
  readonly description?: string
  readonly config?: Record<string, unknown>
  readonly steps: ReadonlyArray<ManifestStep>
}

/** A path that a manifest names, with the field that names it. */
export interface ManifestPath {
  readonly field: string
  readonly kind: "script" | "schema" | "cwd"
  readonly value: string
}

/** What a text holds. `manifest` is there if and only if `issues` is empty. */
export interface ReadManifest {
  readonly manifest?: FlowManifest
  readonly issues: ReadonlyArray<FlowIssue>
  readonly warnings: ReadonlyArray<string>
  /** Also of a manifest with issues, so that a missing file is told together with them. */
  readonly paths: ReadonlyArray<ManifestPath>
}

/** The manifest in a text, or all that is wrong with it. `file` is only for the issues. */
export const readManifest = (file: string, text: string): ReadManifest => {
  const reader = new ManifestReader(file)
  const document = parseToml(reader, text)
  if (document === undefined) return { issues: reader.issues, warnings: [], paths: [] }
  const paths: Array<ManifestPath> = []
  const manifest = readFlow(reader, document, paths)
  const { issues, warnings } = reader
  return manifest !== undefined && issues.length === 0
    ? { manifest, issues, warnings, paths }
    : { issues, warnings, paths }
}

const parseToml = (reader: ManifestReader, text: string): Table | undefined => {
  try {
    return parse(text)
  } catch (cause) {
    // The parser's message goes on with lines of the file, which may hold secrets: only its first line is told.
    const [first = ""] = (cause instanceof Error ? cause.message : String(cause)).split("\n")
    const message = `is not TOML: ${first.replace(/^Invalid TOML document: /, "")}`
    reader.refuseFile(message, cause instanceof TomlError ? cause.line : undefined)
    return undefined
  }
}

const readFlow = (
  reader: ManifestReader,
  document: Table,
  paths: Array<ManifestPath>
): FlowManifest | undefined => {
  const top = reader.table(document, "", flowKeys)
  const name = top.take(flowKeys.name)
  const version = top.take(flowKeys.version)
  const description = top.take(flowKeys.description)
  const config = top.take(flowKeys.config)
  const plainConfig = config === undefined ? undefined : readConfig(reader, config, "config")
  readGuidance(reader, top.take(flowKeys.guidance))
  const steps = readSteps(reader, top.take(flowKeys.steps) ?? [], paths)
  if (name === undefined || version === undefined) return undefined
  return {
    name,
    version,
    ...(description === undefined ? {} : { description }),
    ...(plainConfig === undefined ? {} : { config: plainConfig }),
    steps
  }
}

const readGuidance = (reader: ManifestReader, guidance: Table | undefined): void => {
  if (guidance === undefined) return
  const skills = reader.table(guidance, "guidance", guidanceKeys).take(guidanceKeys.skills) ?? []
  for (const [index, skill] of skills.entries()) {
    if (typeof skill !== "string") reader.warn(`guidance.skills[${index}] is no text and is left out`)
  }
}

const readSteps = (
  reader: ManifestReader,
  entries: ReadonlyArray<unknown>,
  paths: Array<ManifestPath>
): ReadonlyArray<ManifestStep> => {
  const steps: Array<ManifestStep> = []
  const fieldsByName = new Map<string, string>()
  for (const [index, entry] of entries.entries()) {
    const field = `steps[${index}]`
    if (!isTable(entry)) {
      reader.refuse(field, "a table", entry)
      continue
    }
    const step = readStep(reader, entry, field, paths)
    const name = stepKeys.name.read(entry[stepKeys.name.name])
    const earlier = name === undefined ? undefined : fieldsByName.get(name)
    if (earlier !== undefined) reader.refuse(`${field}.name`, `unlike the name of ${earlier}`, name)
    else if (name !== undefined) fieldsByName.set(name, field)
    if (step !== undefined) steps.push(step)
  }
  return steps
}

const readStep = (
  reader: ManifestReader,
  entry: Table,
  field: string,
  paths: Array<ManifestPath>
): ManifestStep | undefined => {
  const table = reader.table(entry, field, stepKeys)
  const name = table.take(stepKeys.name)
  const runner = table.take(stepKeys.runner)
  const script = table.take(stepKeys.script)
  const cwd = table.take(stepKeys.cwd) ?? "."
  const timeoutMillis = table.take(stepKeys.timeoutMillis) ?? manifestBounds.timeoutMillisDefault
  const outputBytesMax = table.take(stepKeys.outputBytesMax) ?? manifestBounds.outputBytesDefault
  const priority = table.take(stepKeys.priority) ?? 0
  const concurrency = table.take(stepKeys.concurrency)
  const concurrencyKey = table.take(stepKeys.concurrencyKey)
  const env = table.takeList(stepKeys.env, envName) ?? []
  const retry = readRetry(reader, table.take(stepKeys.retry), field)
  const limits = readLimits(reader, table.take(stepKeys.limits), field)
  const trigger = readTrigger(reader, table.take(stepKeys.trigger), field)
  if (script !== undefined) paths.push({ field: `${field}.script`, kind: "script", value: script })
  paths.push({ field: `${field}.cwd`, kind: "cwd", value: cwd })
  if (trigger?.schema !== undefined) {
    paths.push({ field: `${field}.trigger.schema`, kind: "schema", value: trigger.schema })
  }
  if (name === undefined || runner === undefined || script === undefined) return undefined
  return {
    name,
    runner,
    script,
    cwd,
    timeoutMillis,
    outputBytesMax,
    retry,
    priority,
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(concurrencyKey === undefined ? {} : { concurrencyKey }),
    env: [...new Set(env)],
    ...(limits === undefined ? {} : { limits }),
    ...(trigger?.type === undefined ? {} : { trigger: { ...trigger, type: trigger.type } })
  }
}

const readRetry = (reader: ManifestReader, entry: Table | undefined, field: string): RetryPolicy => {
  const table = reader.table(entry ?? {}, `${field}.retry`, retryKeys)
  return {
    maxAttempts: table.take(retryKeys.maxAttempts) ?? manifestBounds.attemptsDefault,
    backoffMillis: table.take(retryKeys.backoffMillis) ?? manifestBounds.backoffMillisDefault,
    on: [...new Set(table.takeList(retryKeys.on, retryReason) ?? ["lost" as const])]
  }
}

/** The limits that are set; nothing for a table without one, which limits nothing. */
const readLimits = (
  reader: ManifestReader,
  entry: Table | undefined,
  field: string
): ResourceLimits | undefined => {
  if (entry === undefined) return undefined
  const table = reader.table(entry, `${field}.limits`, limitsKeys)
  const memoryBytesMax = table.take(limitsKeys.memoryBytesMax)
  const cpuPercent = table.take(limitsKeys.cpuPercent)
  const tasksMax = table.take(limitsKeys.tasksMax)
  const limits = {
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
    ...(cpuPercent === undefined ? {} : { cpuPercent }),
    ...(tasksMax === undefined ? {} : { tasksMax })
  }
  return Object.keys(limits).length === 0 ? undefined : limits
}

const readTrigger = (
  reader: ManifestReader,
  entry: Table | undefined,
  field: string
): { readonly type?: string; readonly schema?: string } | undefined => {
  if (entry === undefined) return undefined
  const table = reader.table(entry, `${field}.trigger`, triggerKeys)
  const type = table.take(triggerKeys.type)
  const schema = table.take(triggerKeys.schema)
  return { ...(type === undefined ? {} : { type }), ...(schema === undefined ? {} : { schema }) }
}

/** The table as JSON has it: what a step gets must be what stands in the manifest. */
const readConfig = (reader: ManifestReader, config: Table, field: string): Record<string, unknown> => {
  const plain = (value: unknown, at: string): unknown => {
    if (value instanceof Date) return value.toISOString()
    if (typeof value === "number" && !Number.isFinite(value)) reader.refuse(at, "a finite number", value)
    if (Array.isArray(value)) return value.map((each, index) => plain(each, `${at}[${index}]`))
    return isTable(value) ? readConfig(reader, value, at) : value
  }
  return Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name, plain(value, `${field}.${name}`)])
  )
}
