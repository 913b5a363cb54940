/**
 * The keys of `flow.toml`: what each must be, its default, and what it is for.
 *
 * One table serves three readers: the decoder (`FlowManifest.ts`), the warnings about unknown keys, and the
 * reference (`docs/reference/flow-toml.md`, which a test compares with this).
 *
 * Written by hand and not as an Effect Schema: `flow list` needs nothing else of Effect, and the bundled schema
 * module alone takes the cold process from 4 ms to 19 ms (85 ms unbundled).
 * What a value may be, and the bounds, are in `FlowManifestKinds.ts`.
 */
import {
  integer,
  key,
  list,
  manifestBounds,
  memory,
  oneOf,
  path,
  pointer,
  prose,
  retryReason,
  runners,
  table,
  text
} from "./FlowManifestKinds.ts"

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
    "How the script is run: as a Bun program, or by an agent's code mode, which no executor serves yet.",
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
  limits: key(
    "limits",
    table,
    "How much of the machine an attempt may take. The executor `systemd-run` sees to it; `bun` says in the output that it does not."
  ),
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
    "Attempts in all, the first included. Those that a stop of the service cut off do not count.",
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

/** Keys of `[steps.limits]`. */
export const limitsKeys = {
  memoryBytesMax: key(
    "memory_max",
    memory,
    "How much memory all processes of the attempt may take together. Beyond it the kernel ends the step. `MemoryMax` of systemd.",
    { default: "no limit of its own" }
  ),
  cpuPercent: key(
    "cpu_quota",
    integer(1, manifestBounds.cpuPercentMax, ", in percent of one processor"),
    "How much processor time the attempt may take: 50 is half of one processor, 200 is two. `CPUQuota` of systemd.",
    { default: "no limit of its own" }
  ),
  tasksMax: key(
    "tasks_max",
    integer(1, manifestBounds.tasksMax),
    "How many processes and threads the attempt may have at once; Bun alone takes about ten. `TasksMax` of systemd.",
    { default: "no limit of its own" }
  )
}

/** Every table of the manifest with its keys, in the order of the reference. */
export const manifestTables = [
  { path: "", heading: "At the top", keys: Object.values(flowKeys) },
  { path: "guidance", heading: "`[guidance]`", keys: Object.values(guidanceKeys) },
  { path: "steps[]", heading: "`[[steps]]`", keys: Object.values(stepKeys) },
  { path: "steps[].trigger", heading: "`[steps.trigger]`", keys: Object.values(triggerKeys) },
  { path: "steps[].retry", heading: "`[steps.retry]`", keys: Object.values(retryKeys) },
  { path: "steps[].limits", heading: "`[steps.limits]`", keys: Object.values(limitsKeys) }
]
