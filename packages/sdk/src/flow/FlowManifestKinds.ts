/**
 * What a value of `flow.toml` may be, kind by kind, with the bounds: the words of `FlowManifestKeys.ts`, which says what
 * the keys are and why none of this is an Effect Schema. The bounds stand here as numbers; a test holds them to those of
 * `@patchmoi/core/flow/Flow`.
 */
import type { RetryReason, RunnerName } from "@patchmoi/core/flow/Flow"

/** Bounds of a manifest. Times in milliseconds, sizes in bytes, texts in UTF-16 code units. */
export const manifestBounds = {
  nameLengthMax: 256,
  descriptionLengthMax: 10_000,
  pathLengthMax: 4_096,
  eventTypeLengthMax: 256,
  pointerLengthMax: 1_024,
  listLengthMax: 100,
  stepsMax: 100,
  timeoutMillisDefault: 300_000,
  timeoutMillisMax: 86_400_000,
  outputBytesDefault: 1_048_576,
  outputBytesMax: 67_108_864,
  priorityMin: -1_000,
  priorityMax: 1_000,
  concurrencyMax: 1_000,
  attemptsDefault: 3,
  attemptsMax: 100,
  backoffMillisDefault: 1_000,
  backoffMillisMax: 3_600_000,
  memoryBytesMin: 1_048_576,
  memoryBytesMax: 1_125_899_906_842_624,
  cpuPercentMax: 100_000,
  tasksMax: 1_000_000
} as const

/** A TOML table. */
export type Table = Readonly<Record<string, unknown>>

/** One key of one table. */
export interface ManifestKey<A> {
  readonly name: string
  readonly required: boolean
  /** Completes "must be …". */
  readonly expected: string
  /** What holds when the key is absent, in words. */
  readonly default?: string
  /** For the reference: what the key is for. */
  readonly says: string
  /** The value, or `undefined` when it is not what is expected. */
  readonly read: (value: unknown) => A | undefined
}

/** What the elements of a list must be. */
export interface ListItem<A> {
  readonly expected: string
  readonly read: (value: unknown) => A | undefined
}

/** One key of a table, from its name, what its value must be, and what it is for. */
export const key = <A>(
  name: string,
  kind: { readonly expected: string; readonly read: (value: unknown) => A | undefined },
  says: string,
  rest: { readonly required?: true; readonly default?: string } = {}
): ManifestKey<A> => ({ name, says, ...kind, ...rest, required: rest.required === true })

/** A text with something in it. */
export const text = (lengthMax: number) => ({
  expected: `a text that is not blank, of at most ${lengthMax} characters`,
  read: (value: unknown): string | undefined =>
    typeof value === "string" && value.trim() !== "" && value.length <= lengthMax ? value : undefined
})

/** A text that may be empty. */
export const prose = (lengthMax: number) => ({
  expected: `a text of at most ${lengthMax} characters`,
  read: (value: unknown): string | undefined =>
    typeof value === "string" && value.length <= lengthMax ? value : undefined
})

/** An integer between two bounds, both included. */
export const integer = (min: number, max: number, remark = "") => ({
  expected: `an integer from ${min} to ${max}${remark}`,
  read: (value: unknown): number | undefined =>
    typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined
})

/** One of a few texts. */
export const oneOf = <A extends string>(choices: ReadonlyArray<A>) => ({
  expected: `one of ${choices.map((choice) => `"${choice}"`).join(", ")}`,
  read: (value: unknown): A | undefined => choices.find((choice) => choice === value)
})

/** A list, whose elements are read one by one: see {@link ListItem}. */
export const list = (of: string) => ({
  expected: `a list of at most ${manifestBounds.listLengthMax} ${of}`,
  read: (value: unknown): ReadonlyArray<unknown> | undefined =>
    Array.isArray(value) && value.length <= manifestBounds.listLengthMax ? value : undefined
})

/** Whether a value is a table: an object, but no list and no date. */
export const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

/** A table of its own keys. */
export const table = {
  expected: "a table",
  read: (value: unknown): Table | undefined => (isTable(value) ? value : undefined)
}

/** A path as it is written; whether it exists is looked up later. */
export const path = text(manifestBounds.pathLengthMax)

/** A JSON pointer. */
export const pointer = {
  expected: `a JSON pointer (RFC 6901) such as "/payload/repo", of at most ${manifestBounds.pointerLengthMax} characters`,
  read: (value: unknown): string | undefined =>
    typeof value === "string" &&
    value.length <= manifestBounds.pointerLengthMax &&
    /^(?:\/(?:[^~/]|~[01])*)*$/.test(value)
      ? value
      : undefined
}

/** What `runner` of a step may be. No executor here serves `code-mode` yet: such a step is read, and does not start. */
export const runners: ReadonlyArray<RunnerName> = ["bun", "code-mode"]
const reasons: ReadonlyArray<RetryReason> = ["failed", "timeout", "lost"]

/** How much memory: bytes, or a number with K, M, G or T for powers of 1024, as systemd.resource-control(5) has it. */
export const memory = {
  expected: `a number of bytes from ${manifestBounds.memoryBytesMin} (1 MiB) to ${manifestBounds.memoryBytesMax} (1 PiB), or a text such as "512M" with K, M, G or T for powers of 1024`,
  read: (value: unknown): number | undefined => {
    const bytes = typeof value === "string" ? bytesOf(value) : value
    return typeof bytes === "number" &&
      Number.isInteger(bytes) &&
      bytes >= manifestBounds.memoryBytesMin &&
      bytes <= manifestBounds.memoryBytesMax
      ? bytes
      : undefined
  }
}

const bytesOf = (written: string): number | undefined => {
  const [, digits, unit = ""] = /^(\d{1,16})([KMGT]?)$/.exec(written) ?? []
  return digits === undefined ? undefined : Number(digits) * 1_024 ** " KMGT".indexOf(unit || " ")
}

/** The name of an environment variable. */
export const envName: ListItem<string> = {
  expected: "the name of an environment variable: letters, digits and _, not beginning with a digit",
  read: (value) =>
    typeof value === "string" && value.length <= 256 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)
      ? value
      : undefined
}
/** What a retry policy may name. */
export const retryReason: ListItem<RetryReason> = oneOf(reasons)
