/**
 * The keys of `flow.toml`: what each must be, its default, and what it is for.
 *
 * One table serves three readers: the decoder (`FlowManifest.ts`), the warnings about unknown keys, and the
 * reference (`docs/reference/flow-toml.md`, which a test compares with this).
 *
 * Written by hand and not as an Effect Schema: `flow list` needs nothing else of Effect, and the bundled schema
 * module alone takes the cold process from 4 ms to 19 ms (85 ms unbundled). For the same reason the bounds stand here as numbers;
 * a test holds them to those of `@patchmoi/core/flow/Flow`.
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
  backoffMillisMax: 3_600_000
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

const key = <A>(
  name: string,
  kind: { readonly expected: string; readonly read: (value: unknown) => A | undefined },
  says: string,
  rest: { readonly required?: true; readonly default?: string } = {}
): ManifestKey<A> => ({ name, says, ...kind, ...rest, required: rest.required === true })

const text = (lengthMax: number) => ({
  expected: `a text that is not blank, of at most ${lengthMax} characters`,
  read: (value: unknown): string | undefined =>
    typeof value === "string" && value.trim() !== "" && value.length <= lengthMax ? value : undefined
})

const prose = (lengthMax: number) => ({
  expected: `a text of at most ${lengthMax} characters`,
  read: (value: unknown): string | undefined =>
    typeof value === "string" && value.length <= lengthMax ? value : undefined
})

const integer = (min: number, max: number, remark = "") => ({
  expected: `an integer from ${min} to ${max}${remark}`,
  read: (value: unknown): number | undefined =>
    typeof value === "number" && Number.isInteger(value) && value >= min && value <= max ? value : undefined
})

const oneOf = <A extends string>(choices: ReadonlyArray<A>) => ({
  expected: `one of ${choices.map((choice) => `"${choice}"`).join(", ")}`,
  read: (value: unknown): A | undefined => choices.find((choice) => choice === value)
})

const list = (of: string) => ({
  expected: `a list of at most ${manifestBounds.listLengthMax} ${of}`,
  read: (value: unknown): ReadonlyArray<unknown> | undefined =>
    Array.isArray(value) && value.length <= manifestBounds.listLengthMax ? value : undefined
})

/** Whether a value is a table: an object, but no list and no date. */
export const isTable = (value: unknown): value is Table =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date)

const table = {
  expected: "a table",
  read: (value: unknown): Table | undefined => (isTable(value) ? value : undefined)
}

const path = text(manifestBounds.pathLengthMax)

const pointer = {
  expected: `a JSON pointer (RFC 6901) such as "/payload/repo", of at most ${manifestBounds.pointerLengthMax} characters`,
  read: (value: unknown): string | undefined =>
    typeof value === "string" &&
    value.length <= manifestBounds.pointerLengthMax &&
    /^(?:\/(?:[^~/]|~[01])*)*$/.test(value)
      ? value
      : undefined
}

const runners: ReadonlyArray<RunnerName> = ["bun", "code-mode"]
const reasons: ReadonlyArray<RetryReason> = ["failed", "timeout", "lost"]

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

/** Keys at the top. */
export const flowKeys = {
  name: key(
    "name",
    text(manifestBounds.nameLengthMax),
    "What the flow is called. The first flow of a name wins.",
    {
      required: true
    }
  ),
  version: key(
    "version",
    {
      expected: "a finite number",
      read: (value: unknown): number | undefined =>
        typeof value === "number" && Number.isFinite(value) ? value : undefined
    },
    "Which version of the flow this is; kept with each run.",
    { required: true }
  ),
  description: key(
    "description",
    prose(manifestBounds.descriptionLengthMax),
    "What the flow does, for people."
  ),
  config: key(
    "config",
    table,
    "Settings that steps get as they stand here. Dates become texts; `inf` and `nan` are refused, as JSON has none."
  ),
  guidance: key("guidance", table, "Hints for agents that work on the flow; patchmoi only checks the form."),
  steps: key(
    "steps",
    {
      expected: `a list of 1 to ${manifestBounds.stepsMax} tables, written [[steps]]`,
      read: (value: unknown): ReadonlyArray<unknown> | undefined =>
        Array.isArray(value) && value.length >= 1 && value.length <= manifestBounds.stepsMax
          ? value
          : undefined
    },
    "The steps, in the order in which they match.",
    { required: true }
  )
}

/** Keys of `[guidance]`. */
export const guidanceKeys = {
  skills: key(
    "skills",
    list("texts"),
    "Names of skills that help. What is no text is left out, with a warning."
  )
}

/** Keys of one `[[steps]]`. */
export const stepKeys = {
  name: key(
    "name",
    text(manifestBounds.nameLengthMax),
    "What the step is called; unlike every other step of the flow.",
    {
      required: true
    }
  ),
  runner: key(
    "runner",
    oneOf(runners),
    "How the script is run: as a Bun program, or by an agent's code mode.",
    {
      required: true
    }
  ),
  script: key("script", path, "The script, relative to the flow folder.", { required: true }),
  cwd: key(
    "cwd",
    path,
    "Where the step works, relative to the flow folder; `../..` is often the workspace.",
    {
      default: "the flow folder"
    }
  ),
  timeoutMillis: key(
    "timeout_ms",
    integer(1, manifestBounds.timeoutMillisMax, " (24 hours)"),
    "How long an attempt may run, in milliseconds.",
    { default: `${manifestBounds.timeoutMillisDefault} (5 minutes)` }
  ),
  outputBytesMax: key(
    "max_output_bytes",
    integer(1, manifestBounds.outputBytesMax, " (64 MiB)"),
    "How much output of an attempt is kept, in bytes; head and tail stay, the gap is counted.",
    { default: `${manifestBounds.outputBytesDefault} (1 MiB)` }
  ),
  priority: key(
    "priority",
    integer(manifestBounds.priorityMin, manifestBounds.priorityMax),
    "Of the runs that wait, the higher goes first.",
    { default: "0" }
  ),
  concurrency: key(
    "concurrency",
    integer(1, manifestBounds.concurrencyMax),
    "How many runs of the step may go on at once.",
    { default: "no limit of its own; 1 with `concurrency_key`" }
  ),
  concurrencyKey: key(
    "concurrency_key",
    pointer,
    "Points into the event. Runs that find the same value there share `concurrency`, over all steps and flows that name the same key."
  ),
  env: key("env", list("names"), "Names of environment variables that the step may inherit from a service.", {
    default: "none"
  }),
  retry: key("retry", table, "When an attempt that did not succeed is followed by another."),
  trigger: key("trigger", table, "What starts the step. A step without one runs by name only.")
}

/** Keys of `[steps.trigger]`. */
export const triggerKeys = {
  type: key("type", text(manifestBounds.eventTypeLengthMax), "The event type, compared exactly.", {
    required: true
  }),
  schema: key(
    "schema",
    path,
    "A JSON Schema (2020-12, or draft-07 by `$schema`) that the payload must fit, relative to the flow folder.",
    { default: "every payload fits" }
  )
}

/** Keys of `[steps.retry]`. */
export const retryKeys = {
  maxAttempts: key(
    "max_attempts",
    integer(1, manifestBounds.attemptsMax),
    "Attempts in all, the first included.",
    {
      default: String(manifestBounds.attemptsDefault)
    }
  ),
  backoffMillis: key(
    "backoff_ms",
    integer(0, manifestBounds.backoffMillisMax, " (1 hour)"),
    "The wait before the second attempt, in milliseconds; it doubles each time, with jitter, up to an hour.",
    { default: String(manifestBounds.backoffMillisDefault) }
  ),
  on: key(
    "on",
    list(`of ${retryReason.expected.slice(7)}`),
    "Which ends of an attempt are tried again. `failed` is a process that failed: a step that says so in its result, or a module that throws, has its answer and is not tried again.",
    {
      default: '`["lost"]`'
    }
  )
}

/** Every table of the manifest with its keys, in the order of the reference. */
export const manifestTables = [
  { path: "", heading: "At the top", keys: Object.values(flowKeys) },
  { path: "guidance", heading: "`[guidance]`", keys: Object.values(guidanceKeys) },
  { path: "steps[]", heading: "`[[steps]]`", keys: Object.values(stepKeys) },
  { path: "steps[].trigger", heading: "`[steps.trigger]`", keys: Object.values(triggerKeys) },
  { path: "steps[].retry", heading: "`[steps.retry]`", keys: Object.values(retryKeys) }
]
