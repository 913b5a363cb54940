/**
 * What every executor owes the engine, as a test suite that each of them runs. Processes are real; the
 * layer under test should have a kill grace of less than a second, so that the suite is quick.
 */
import { expect } from "bun:test"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Executor } from "../executor/Executor.ts"
import type { ExecutorContractOptions } from "./ExecutorContractOptions.ts"
import { awaitGone, isAlive, makeInvocation, makeRun, printedPids, type Run } from "./ExecutorContractRun.ts"
import { contractSteps } from "./ExecutorContractSteps.ts"
import { layer } from "./effectTest.ts"

export type { ExecutorContractOptions, FloodReport } from "./ExecutorContractOptions.ts"

/** The most memory that a process may hold while its executor takes in a flood, in bytes (150 MiB). */
export const floodResidentBytesMax = 157_286_400

/** Declares the suite for one executor. */
export const executorContract = (name: string, options: ExecutorContractOptions): void =>
  layer(`executor contract: ${name}`, options.layer, (it) => {
    const run = makeRun(options)
    describeResults(it, run)
    describeEnds(it, run)
    describeGroups(it, run, options)
    describeStreams(it, run, options)
  })

// --- internal ---

type It = Parameters<Parameters<typeof layer<Executor, never>>[2]>[0]

const exitCode = (code: number) => ({ _tag: "ExitCode", code }) as const

const describeResults = (it: It, run: Run): void => {
  it.live("a good result, with every field", () =>
    Effect.gen(function* () {
      const { outcome, started } = yield* run("completed")
      expect(outcome).toEqual({
        exit: exitCode(0),
        result: { status: "completed", message: "done", artifacts: { n: 1 }, extra: [1] }
      })
      expect(started).toHaveLength(1)
      expect(started[0]?.pid).toBeGreaterThan(1)
    })
  )
  const statuses = [
    ["skipped", "skipped"],
    ["changed", "changed"],
    ["needsIntervention", "needs_intervention"],
    ["blocked", "blocked"],
    ["failed", "failed"]
  ] as const
  for (const [name, status] of statuses) {
    it.live(`the status ${status} is a result, not an error`, () =>
      Effect.map(run(name), ({ outcome }) =>
        expect(outcome).toEqual({ exit: exitCode(0), result: { status } })
      )
    )
  }
  it.live("bad JSON is an error that quotes it", () =>
    Effect.map(run("badJson"), ({ outcome }) => {
      expect(outcome.exit).toEqual(exitCode(0))
      expect(outcome.result).toBeUndefined()
      expect(outcome.error).toContain('FLOW_RESULT {"status":"completed"')
    })
  )
  it.live("an unknown status is an error that names the known ones", () =>
    Effect.map(run("badStatus"), ({ outcome }) => {
      expect(outcome.result).toBeUndefined()
      expect(outcome.error).toContain(
        "expected one of skipped, completed, changed, needs_intervention, blocked, failed"
      )
    })
  )
  it.live("no result is an error", () =>
    Effect.map(run("noResult"), ({ outcome }) =>
      expect(outcome).toEqual({ exit: exitCode(0), error: "Step did not emit FLOW_RESULT" })
    )
  )
  it.live("of two results the last one wins", () =>
    Effect.map(run("twoResults"), ({ outcome }) =>
      expect(outcome).toEqual({ exit: exitCode(0), result: { status: "changed" } })
    )
  )
}

const describeEnds = (it: It, run: Run): void => {
  it.live("a result before a non-zero exit is kept beside the error", () =>
    Effect.map(run("exitWithResult"), ({ outcome }) => {
      expect(outcome.exit).toEqual(exitCode(3))
      expect(outcome.result).toEqual({ status: "changed" })
      expect(outcome.error).toBe("Step contract/step exited with code 3\nit broke here")
    })
  )
  it.live("a non-zero exit without a result", () =>
    Effect.map(run("exitWithoutResult"), ({ outcome }) =>
      expect(outcome).toEqual({
        exit: exitCode(4),
        error: "Step contract/step exited with code 4\nit broke there"
      })
    )
  )
  it.live("a throw shows its message", () =>
    Effect.map(run("throws"), ({ outcome }) => {
      expect(outcome.exit).toEqual(exitCode(1))
      expect(outcome.error).toContain("the step threw")
    })
  )
  it.live("a signal", () =>
    Effect.map(run("signal"), ({ outcome }) => {
      expect(outcome.exit).toEqual({ _tag: "Signal", signal: "SIGKILL" })
      expect(outcome.error).toContain("SIGKILL")
    })
  )
  it.live("a timeout says so, and keeps the result", () =>
    Effect.map(run("timeout", { timeoutMillis: 1_000 }), ({ outcome, elapsedMillis }) => {
      expect(outcome.exit).toEqual({ _tag: "Timeout", timeoutMillis: 1_000 })
      expect(outcome.result).toEqual({ status: "blocked" })
      expect(outcome.error).toContain("timed out after 1000 ms")
      expect(elapsedMillis).toBeLessThan(5_000)
    })
  )
  it.live("a script that does not exist", () =>
    Effect.gen(function* () {
      const executor = yield* Executor
      const script = `/nowhere-${crypto.randomUUID()}/step.ts`
      const outcome = yield* executor.execute(makeInvocation({ script, cwd: "/" }), {
        onOutput: () => Effect.void
      })
      expect(outcome.exit._tag).toBe("NotStarted")
      expect(outcome.error).toContain(`the script does not exist: ${script}`)
    })
  )
  it.live("a syntax error is shown with its place", () =>
    Effect.map(run("syntaxError"), ({ outcome }) => {
      expect(outcome.exit).toEqual(exitCode(1))
      expect(outcome.error).toContain("const = 3")
      expect(outcome.error).toMatch(/:1:\d+/)
    })
  )
}

const describeGroups = (it: It, run: Run, contract: ExecutorContractOptions): void => {
  it.live("a step that ignores SIGTERM is killed after the grace", () =>
    Effect.gen(function* () {
      const { outcome, started, text } = yield* run("ignoresSigterm", { timeoutMillis: 1_000 })
      expect(outcome.exit._tag).toBe("Timeout")
      expect(text).toContain("not yet")
      yield* awaitGone(started.map(({ pid }) => pid))
    })
  )
  it.live("a grandchild that holds stdout open neither holds the run nor survives it", () =>
    Effect.gen(function* () {
      const { outcome, text, elapsedMillis } = yield* run("leavesGrandchild")
      expect(outcome).toEqual({ exit: exitCode(0), result: { status: "completed" } })
      expect(elapsedMillis).toBeLessThan(5_000)
      yield* awaitGone(printedPids(text))
    })
  )
  it.live("a timeout ends the grandchildren too", () =>
    Effect.gen(function* () {
      const { outcome, text } = yield* run("waitsWithGrandchild", { timeoutMillis: 1_000 })
      expect(outcome.exit._tag).toBe("Timeout")
      yield* awaitGone(printedPids(text))
    })
  )
  for (const name of ["waitsWithGrandchild", "ignoresSigterm", "endsAtSigterm"] as const) {
    it.live(`interruption ends the whole group before it is done: ${name}`, () =>
      Effect.gen(function* () {
        const executor = yield* Executor
        const step = yield* Effect.promise(() => contract.writeStep(name, contractSteps[name]))
        const ready = yield* Deferred.make<void>()
        let text = ""
        let pid = 0
        const fiber = yield* Effect.fork(
          executor.execute(makeInvocation(step, { runner: contract.runner }), {
            onStarted: (identity) =>
              Effect.sync(() => {
                pid = identity.pid
              }),
            onOutput: (chunk) => {
              text += chunk.text
              return text.includes("ready") ? Deferred.succeed(ready, undefined) : Effect.void
            }
          })
        )
        yield* Deferred.await(ready)
        const exit = yield* Fiber.interrupt(fiber)
        expect(exit._tag).toBe("Failure")
        expect(yield* isAlive(pid)).toBe(false)
        if (name === "waitsWithGrandchild") yield* awaitGone(printedPids(text))
        // What a step prints on its way out is taken too.
        if (name === "endsAtSigterm") expect(text).toContain("last words")
      })
    )
  }
}

const describeStreams = (it: It, run: Run, contract: ExecutorContractOptions): void => {
  it.live("output comes in order and whole", () =>
    Effect.map(run("numbers"), ({ text }) => {
      const lines = text.split("\n").filter((line) => /^\d+$/.test(line))
      expect(lines).toEqual(Array.from({ length: 20_000 }, (_, n) => String(n)))
    })
  )
  it.live("output comes while the step runs", () =>
    Effect.gen(function* () {
      const file = `${(yield* Effect.promise(() => contract.writeStep("noResult", ""))).script}.go`
      const { outcome } = yield* run("waitsForFile", {
        payload: { file },
        onOutput: () => Effect.asVoid(Effect.promise(() => Bun.write(file, "")))
      })
      expect(outcome.result).toEqual({ status: "completed" })
    })
  )
  it.live("invalid UTF-8 becomes U+FFFD, a character in two pieces stays whole", () =>
    Effect.map(run("invalidUtf8"), ({ outcome, text }) => {
      expect(text).toStartWith("a\uFFFD\uFFFDb\u6F22\n")
      expect(outcome.result).toEqual({ status: "completed" })
    })
  )
  for (const name of ["ignoresStdin", "closesStdin"] as const) {
    it.live(`an event larger than any pipe: ${name}`, () =>
      Effect.map(run(name, { payload: "p".repeat(4_194_304) }), ({ outcome }) =>
        expect(outcome).toEqual({ exit: exitCode(0), result: { status: "completed" } })
      )
    )
  }
  it.live("a script that closes stdout keeps its result and ends by its exit", () =>
    Effect.map(run("closesStdout"), ({ outcome, elapsedMillis }) => {
      expect(outcome).toEqual({ exit: exitCode(0), result: { status: "completed" } })
      expect(elapsedMillis).toBeGreaterThan(100)
    })
  )
  const outputBytes = contract.floodBytes
  it.live(
    `${outputBytes / 1_048_576} MiB of output in less than ${floodResidentBytesMax / 1_048_576} MiB of memory`,
    () =>
      Effect.gen(function* () {
        const step = yield* Effect.promise(() => contract.writeStep("flood", contractSteps.flood))
        const report = yield* Effect.promise(() => contract.measureFlood(step, outputBytes))
        expect(report.outcome).toEqual({ exit: exitCode(0), result: { status: "completed" } })
        expect(report.outputBytes).toBeGreaterThanOrEqual(outputBytes)
        expect(report.residentBytesMax).toBeLessThan(floodResidentBytesMax)
      }),
    120_000
  )
}
