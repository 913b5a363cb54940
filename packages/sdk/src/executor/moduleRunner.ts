/**
 * Runs a module-style step inside the step's own process: reads the context from standard input, imports
 * the script, calls its default export and prints what it returns as `FLOW_RESULT`.
 *
 * {@link runStepModule} refers to nothing outside itself and imports nothing, because its text is what
 * travels: the executor starts `bun -e <moduleRunnerSource> <script>`. So there is no second file
 * to find beside a bundle, a byte-code bundle or a compiled binary, and the step's process loads nothing
 * but Bun and the step (measured: 0.3 ms more than a raw step). It prints by `console`, which writes at once
 * and whole even to a full pipe; the first use of `process.stdout` would cost 8 ms.
 */

// @effect-diagnostics globalConsole:off globalTimers:off -- This runs in the step's process, where Effect is not loaded.

/** The program for `bun -e`, which takes the absolute script as its argument: `process.argv` is that of a raw step. */
export const moduleRunnerSource = (): string => `(${runStepModule})(process.argv[1])`

/**
 * Imports the script and reports its result. Whatever goes wrong in the step (no function exported, a
 * throw, a value that is no result) is the result `failed` with the message; the stack goes to stderr.
 */
async function runStepModule(script: string): Promise<void> {
  // Taken before the step can replace them.
  const { error: printError, log: print } = console
  const statuses = ["skipped", "completed", "changed", "needs_intervention", "blocked", "failed"]
  const encode = (value: unknown): string => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      const found = value === null ? "null" : Array.isArray(value) ? "an array" : typeof value
      throw new TypeError(
        `The default export of ${script} must return a FlowResult object, it returned ${found}`
      )
    }
    const status: unknown = Reflect.get(value, "status")
    if (typeof status !== "string" || !statuses.includes(status)) {
      throw new TypeError(
        `The default export of ${script} must return a status out of ${statuses.join(", ")}, it returned ${JSON.stringify(status)}`
      )
    }
    return JSON.stringify(value)
  }
  let line: string
  try {
    const context: { readonly runtime: { readonly runId: string } } = JSON.parse(await Bun.stdin.text())
    const url = Bun.pathToFileURL(script)
    url.searchParams.set("flowRun", context.runtime.runId)
    const module: { readonly default?: unknown } = await import(url.href)
    const run = module.default
    if (typeof run !== "function") {
      throw new TypeError(
        `The default export of ${script} must be a function (context) => FlowResult, found ${typeof run}`
      )
    }
    line = encode(await run(context))
  } catch (cause) {
    const error = cause instanceof Error ? cause : new Error(String(cause))
    printError(error.stack ?? error.message)
    line = JSON.stringify({ status: "failed", message: error.message })
  }
  // A line break first: the step may have printed half a line.
  print(`\nFLOW_RESULT ${line}`)
  // The result is out. A process with nothing left to do ends now; a timer or socket that the step left
  // open, or output that is still on its way, has a second.
  setTimeout(() => process.exit(), 1_000).unref()
}
