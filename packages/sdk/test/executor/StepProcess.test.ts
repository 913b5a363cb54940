/** What the group cannot hold: a process that left it, and a store that breaks while the step runs. */
import { describe, expect } from "bun:test"
import { readdirSync } from "node:fs"
import type { OutputChunk, ProcessIdentity } from "@patchmoi/core/executor/Executor"
import { awaitGone, isAlive } from "@patchmoi/core/testing/ExecutorContractRun"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { endLostGroup, identifyProcess } from "../../src/executor/processGroup.ts"
import { runStepProcess, type StepHandlers } from "../../src/executor/StepProcess.ts"

const limits = { timeoutMillis: 10_000, killGraceMillis: 200, outputGraceMillis: 200 }

const shell = (script: string) => ({
  argv: ["/bin/sh", "-c", script] as [string, ...Array<string>],
  cwd: "/",
  variables: { PATH: process.env["PATH"] ?? "" },
  stdin: ""
})

const quiet: StepHandlers = { onStarted: () => Effect.void, onOutput: () => Effect.void }

const openFiles = (): number => readdirSync("/proc/self/fd").length

describe("a process that left the group", () => {
  it.live("holds neither the run nor our files, and the record says so", () =>
    Effect.gen(function* () {
      yield* runStepProcess(shell("true"), limits, quiet)
      const before = openFiles()
      const chunks: Array<OutputChunk> = []
      const exit = yield* runStepProcess(
        shell('setsid sh -c "echo pid \\$\\$; sleep 20" & sleep 0.5; exit 3'),
        limits,
        {
          ...quiet,
          onOutput: (chunk) => Effect.sync(() => void chunks.push(chunk))
        }
      )
      expect(exit).toEqual({ _tag: "ExitCode", code: 3 })
      expect(chunks.at(-1)?.stream).toBe("system")
      expect(chunks.at(-1)?.text).toContain("still holds its output open")
      // The runtime closes files when it comes to it; one that leaks stays open for ever.
      yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => openFiles() <= before }).pipe(
        Effect.timeoutFail({
          duration: "5 seconds",
          onTimeout: () => `${openFiles() - before} files are still open`
        })
      )
      const pid = Number(/pid (\d+)/.exec(chunks.map(({ text }) => text).join(""))?.[1])
      process.kill(-pid, "SIGKILL")
    })
  )
})

describe("a slow store", () => {
  it.live("that takes long to record the process loses nothing of what it printed", () =>
    Effect.gen(function* () {
      const chunks: Array<OutputChunk> = []
      const exit = yield* runStepProcess(
        shell("echo printed"),
        { ...limits, outputGraceMillis: 50 },
        {
          onStarted: () => Effect.sleep("500 millis"),
          onOutput: (chunk) => Effect.sync(() => void chunks.push(chunk))
        }
      )
      expect(exit).toEqual({ _tag: "ExitCode", code: 0 })
      expect(chunks).toEqual([{ stream: "stdout", text: "printed\n" }])
    })
  )
})

describe("a broken store", () => {
  it.live("ends the step at once, and the defect is not lost", () =>
    Effect.gen(function* () {
      let identity: ProcessIdentity = { pid: 0 }
      const exit = yield* Effect.exit(
        runStepProcess(shell("echo one; sleep 20"), limits, {
          onStarted: (started) =>
            Effect.sync(() => {
              identity = started
            }),
          onOutput: () => Effect.die(new Error("the disk is full"))
        })
      )
      expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain("the disk is full")
      yield* awaitGone([identity.pid])
    })
  )
  it.live("that breaks on the last piece, after the exit, is not lost either", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        runStepProcess(shell("echo one"), limits, {
          ...quiet,
          onOutput: () => Effect.zipRight(Effect.sleep(50), Effect.die(new Error("the disk is full")))
        })
      )
      expect(Exit.isFailure(exit) && Cause.pretty(exit.cause)).toContain("the disk is full")
    })
  )
})

describe("backpressure", () => {
  it.live("a step waits for a store that does not take its output", () =>
    Effect.gen(function* () {
      let taken = 0
      const exit = yield* runStepProcess(
        shell("head -c 50000000 /dev/zero"),
        { ...limits, timeoutMillis: 500 },
        {
          ...quiet,
          onOutput: (chunk) => {
            taken += chunk.text.length
            return Effect.sleep(200)
          }
        }
      )
      expect(exit._tag).toBe("Timeout")
      expect(taken).toBeLessThan(10_000_000)
    })
  )
})

describe("a slow store", () => {
  it.live("gets all of the output, though the step has long ended", () =>
    Effect.gen(function* () {
      let text = ""
      const exit = yield* runStepProcess(
        shell("for n in 1 2 3; do echo $n; sleep 0.05; done"),
        { ...limits, outputGraceMillis: 20 },
        {
          ...quiet,
          onOutput: (chunk) => {
            text += chunk.text
            return Effect.sleep(300)
          }
        }
      )
      expect(exit).toEqual({ _tag: "ExitCode", code: 0 })
      expect(text).toBe("1\n2\n3\n")
    })
  )
})

describe("a group whose engine is gone", () => {
  const start = Effect.fnUntraced(function* () {
    const started = yield* Deferred.make<ProcessIdentity>()
    const fiber = yield* Effect.fork(
      runStepProcess(shell("sleep 20 & sleep 20"), limits, {
        ...quiet,
        onStarted: (identity) => Deferred.succeed(started, identity)
      })
    )
    return { identity: yield* Deferred.await(started), fiber }
  })
  it.live("is ended by its identity", () =>
    Effect.gen(function* () {
      const { identity, fiber } = yield* start()
      expect(identity).toEqual(yield* identifyProcess(identity.pid))
      expect(identity.startTicks).toBeGreaterThan(0)
      expect(yield* endLostGroup(identity, 200)).toBe(true)
      yield* awaitGone([identity.pid])
      expect((yield* Fiber.join(fiber))._tag).toBe("Signal")
      expect(yield* endLostGroup(identity, 200)).toBe(false)
    })
  )
  it.live("is left alone when the number belongs to a later process", () =>
    Effect.gen(function* () {
      const { identity, fiber } = yield* start()
      const earlier = { pid: identity.pid, startTicks: (identity.startTicks ?? 0) - 1 }
      expect(yield* endLostGroup(earlier, 200)).toBe(false)
      expect(yield* endLostGroup({ pid: identity.pid }, 200)).toBe(false)
      expect(yield* isAlive(identity.pid)).toBe(true)
      yield* Fiber.interrupt(fiber)
    })
  )
})

it.live("what ignores SIGTERM is killed after the grace, also when the clock is set back meanwhile", () => {
  let looks = 0
  const setBack = Effect.sync(() => (looks++ === 0 ? 3_600_000 : 0))
  const clock: Clock.Clock = Object.create(Clock.make(), { currentTimeMillis: { value: setBack } })
  const deaf = shell("trap '' TERM; sleep 20 & wait; wait")
  return runStepProcess(deaf, { ...limits, timeoutMillis: 200 }, quiet).pipe(
    Effect.withClock(clock),
    Effect.timeout("5 seconds"),
    Effect.map((exit) => expect(exit._tag).toBe("Timeout"))
  )
})
