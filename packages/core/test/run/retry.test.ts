import { describe, expect, test } from "bun:test"
import type { ExitCause } from "../../src/executor/Executor.ts"
import { LeaseToken, makeAttemptId, RunId } from "../../src/Ids.ts"
import type { RunDocument } from "../../src/run/RunDocument.ts"
import type { RunFact } from "../../src/run/RunFact.ts"
import { Runs } from "../../src/run/Runs.ts"
import { type NextAttempt, nextAttemptOf, stopsMax } from "../../src/run/retry.ts"
import { runQueued, stepPlan } from "../../src/testing/flows.ts"

const runId = RunId.make("run_1")
const stop: ExitCause = { _tag: "Lost", reason: "the engine stopped", by: "stop" }
const lost: ExitCause = { _tag: "Lost", reason: "its worker is gone" }
const failed: ExitCause = { _tag: "ExitCode", code: 1 }
const policy = { maxAttempts: 3, backoffMillis: 1_000, on: ["lost", "failed"] as const }
const asks = { status: "blocked", artifacts: { approval: { prompt: "Go on?" } } } as const

/** A run whose attempts ended like this, and which has one more under way. */
const runningAfter = (
  exits: ReadonlyArray<ExitCause | "asks">,
  retry: Parameters<typeof stepPlan>[1] = { retry: policy }
): RunDocument => {
  let run: RunDocument | undefined
  const fold = (...facts: ReadonlyArray<RunFact>): void => {
    for (const fact of facts) run = Runs.evolve(run, fact, { key: runId, at: 0 })
  }
  fold(runQueued(stepPlan("s.ts", retry)))
  for (const [index, exit] of [...exits, undefined].entries()) {
    const attemptNumber = index + 1
    const attemptId = makeAttemptId(runId, attemptNumber)
    fold({
      _tag: "AttemptStarted",
      attemptId,
      attemptNumber,
      workerId: "w",
      leaseToken: LeaseToken.make("t")
    })
    if (exit === "asks") {
      const good = { exit: { _tag: "ExitCode", code: 0 }, result: asks } as const
      fold(
        { _tag: "AttemptEnded", attemptId, ...good },
        { _tag: "RunEnded", processStatus: "completed", ...good, retriesUsedUp: false },
        { _tag: "ApprovalDecided", decision: "approved" }
      )
    } else if (exit !== undefined) {
      fold({ _tag: "AttemptEnded", attemptId, exit, error: "no" }, { _tag: "RunRetryScheduled", retryAt: 0 })
    }
  }
  if (run?.processStatus !== "running") throw new Error("the run has to be under way")
  return run
}

const next = (
  before: ReadonlyArray<ExitCause | "asks">,
  exit: ExitCause,
  retry?: Parameters<typeof stepPlan>[1]
): NextAttempt => nextAttemptOf(runningAfter(before, retry), exit, { now: 5_000, jitter: 0 })

const times = (count: number, exit: ExitCause): ReadonlyArray<ExitCause> =>
  Array.from({ length: count }, () => exit)

describe("an attempt that its engine gave up because it was told to stop", () => {
  test("is followed by another at once, however many attempts the policy allows", () => {
    const once = { retry: { ...policy, maxAttempts: 1 } }
    expect(next([], stop, once)).toEqual({ _tag: "At", retryAt: 5_000 })
    expect(next(times(50, stop), stop, once)).toEqual({ _tag: "At", retryAt: 5_000 })
    expect(next([failed, failed, stop], stop)).toEqual({ _tag: "At", retryAt: 5_000 })
  })

  test("does not count for the ends that do, nor for how long they wait", () => {
    expect(next([], failed)).toEqual({ _tag: "At", retryAt: 6_000 })
    expect(next([stop, stop, stop], failed)).toEqual({ _tag: "At", retryAt: 6_000 })
    expect(next([stop, failed, stop], failed)).toEqual({ _tag: "At", retryAt: 7_000 })
    expect(next([stop, failed, stop, failed], failed)).toEqual({ _tag: "UsedUp" })
    expect(next([lost, lost], lost)).toEqual({ _tag: "UsedUp" })
  })

  test("is not followed by another where the policy does not name lost attempts", () => {
    expect(next([], stop, { retry: { ...policy, on: ["failed"] } })).toEqual({ _tag: "NotNamed" })
  })

  test("counts from the bound on: a step that stops its own service does not go on for ever", () => {
    expect(next(times(stopsMax - 1, stop), stop)).toEqual({ _tag: "At", retryAt: 5_000 })
    expect(next(times(stopsMax, stop), stop)).toEqual({ _tag: "At", retryAt: 6_000 })
    expect(next(times(stopsMax + 1, stop), stop)).toEqual({ _tag: "At", retryAt: 7_000 })
    expect(next(times(stopsMax + 2, stop), stop)).toEqual({ _tag: "UsedUp" })
    expect(next([...times(stopsMax, stop), failed, failed], failed)).toEqual({ _tag: "UsedUp" })
  })

  test("before a decision counts for nothing after it", () => {
    expect(next([...times(stopsMax, stop), failed, "asks"], stop)).toEqual({ _tag: "At", retryAt: 5_000 })
    expect(next([failed, failed, "asks"], failed)).toEqual({ _tag: "At", retryAt: 6_000 })
  })
})

test("an end that an older version wrote decodes as one that counts, and a new one comes back as it was", () => {
  const read = (line: string) => Runs.decodeFact("AttemptEnded", line)
  expect(read('{"attemptId":"a","exit":{"_tag":"Lost","reason":"gone"},"error":"no"}')).toMatchObject({
    _tag: "AttemptEnded",
    exit: { _tag: "Lost", reason: "gone" }
  })
  expect(read(JSON.stringify({ attemptId: "a", exit: stop, error: "no" }))).toMatchObject({ exit: stop })
})
