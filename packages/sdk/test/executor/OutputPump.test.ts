/** Two pipes become one row of pieces; what breaks on one side ends both. */
import { describe, expect, test } from "bun:test"
import type { ExecutorError, OutputChunk } from "@patchmoi/core/executor/Executor"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Runtime from "effect/Runtime"
import { type OutputHandlers, OutputPump } from "../../src/executor/OutputPump.ts"

const pipe = () => {
  let controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>
  let isCanceled = false
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start: (started) => {
      controller = started
    },
    cancel: () => {
      isCanceled = true
    }
  })
  return {
    stream,
    write: (bytes: string | Uint8Array<ArrayBuffer>) =>
      controller.enqueue(typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes),
    end: () => controller.close(),
    fail: (error: Error) => controller.error(error),
    isCanceled: () => isCanceled
  }
}

const start = (handlers: Partial<OutputHandlers>) => {
  const [stdout, stderr] = [pipe(), pipe()]
  const causes: Array<Cause.Cause<ExecutorError>> = []
  const pump = new OutputPump(
    { stdout: stdout.stream, stderr: stderr.stream },
    {
      begin: Effect.void,
      take: () => Effect.void,
      onBroken: (cause) => {
        causes.push(cause)
      },
      ...handlers
    },
    Runtime.defaultRuntime
  )
  return { pump, stdout, stderr, causes }
}

test("pieces of both pipes are taken one at a time, after the beginning, and none is cut inside a character", async () => {
  const seen: Array<string> = []
  const { pump, stdout, stderr } = start({
    begin: Effect.sync(() => void seen.push("begin")),
    take: ({ stream, text }: OutputChunk) =>
      Effect.gen(function* () {
        seen.push(`${stream} ${text}`)
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        seen.push("taken")
      })
  })
  const bytes = new TextEncoder().encode("é")
  stdout.write(bytes.slice(0, 1))
  stdout.write(bytes.slice(1))
  stderr.write("b")
  stdout.end()
  stderr.end()
  await pump.done
  expect(seen[0]).toBe("begin")
  expect(seen.filter((_, index) => index % 2 === 1).toSorted()).toEqual(["stderr b", "stdout é"])
  expect(seen.filter((_, index) => index % 2 === 0).slice(1)).toEqual(["taken", "taken"])
  expect([pump.pieces, pump.isTaking, pump.isDone, pump.broken]).toEqual([2, false, true, undefined])
})

describe("it breaks off, tells why once, and closes both pipes", () => {
  test("when a pipe breaks", async () => {
    const { pump, stdout, stderr, causes } = start({})
    stdout.fail(new Error("EIO"))
    await pump.done
    expect(causes.map((cause) => Cause.squash(cause))).toMatchObject([
      { _tag: "ExecutorError", reason: expect.stringContaining("stdout broke off: Error: EIO") }
    ])
    expect(stderr.isCanceled()).toBe(true)
    expect([pump.isDone, pump.broken]).toEqual([true, causes[0]])
  })

  test("when a handler breaks down, at the beginning or later", async () => {
    for (const name of ["begin", "take"] as const) {
      const dies = Effect.die(new Error("no store"))
      const { pump, stdout, stderr, causes } = start(
        name === "begin" ? { begin: dies } : { take: () => dies }
      )
      stdout.write("a")
      stderr.write("b")
      await pump.done
      expect(causes.map((cause) => Cause.squash(cause))).toMatchObject([{ message: "no store" }])
      expect([stdout.isCanceled(), stderr.isCanceled(), pump.pieces]).toEqual([true, true, 0])
    }
  })
})

test("a stop interrupts who takes a piece, and is no breakage", async () => {
  const taking = Effect.runSync(Deferred.make<void>())
  let isInterrupted = false
  const { pump, stdout, stderr, causes } = start({
    take: () =>
      Effect.zipRight(Deferred.succeed(taking, undefined), Effect.never).pipe(
        Effect.onInterrupt(() =>
          Effect.sync(() => {
            isInterrupted = true
          })
        )
      )
  })
  stdout.write("a")
  await Effect.runPromise(Deferred.await(taking))
  expect(pump.isTaking).toBe(true)
  await pump.stop()
  expect([isInterrupted, pump.isTaking, pump.pieces, pump.isDone]).toEqual([true, true, 0, true])
  expect([stdout.isCanceled(), stderr.isCanceled(), causes]).toEqual([true, true, []])
})
