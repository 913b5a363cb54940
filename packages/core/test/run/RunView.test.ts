import { describe, expect, test } from "bun:test"
import type { EffectiveStatus, ProcessStatus, ResultStatus } from "../../src/flow/FlowResult.ts"
import { EventId, LeaseToken, makeAttemptId, RunId } from "../../src/Ids.ts"
import type { RunDocument } from "../../src/run/RunDocument.ts"
import {
  effectiveStatusOf,
  needsAttention,
  toRunView,
  type WaitingOn,
  waitingOnOf
} from "../../src/run/RunView.ts"
import { stepPlan } from "../../src/testing/flows.ts"

const id = RunId.make("run_1")
const attempt = {
  id: makeAttemptId(id, 1),
  attemptNumber: 1,
  workerId: "worker",
  leaseToken: LeaseToken.make("secret"),
  process: { pid: 7 },
  status: "running",
  startedAt: "1970-01-01T00:00:00.000Z"
} as const
const run = (more: Partial<RunDocument>): RunDocument => ({
  id,
  eventId: EventId.make("e1"),
  eventType: "t",
  flowName: "f",
  flowVersion: 2,
  flowRoot: "/f",
  stepName: "s",
  generation: 1,
  plan: stepPlan("s.ts"),
  depth: 0,
  processStatus: "queued",
  attempts: [],
  cancelRequested: false,
  retriesUsedUp: false,
  createdAt: "1970-01-01T00:00:00.000Z",
  updatedAt: "1970-01-01T00:00:00.000Z",
  ...more
})

describe("process and result in one status", () => {
  type Row = readonly [
    ProcessStatus,
    said: ResultStatus | undefined,
    ResultStatus | undefined,
    EffectiveStatus,
    attention: boolean
  ]
  const table: ReadonlyArray<Row> = [
    ["queued", undefined, undefined, "queued", false],
    ["running", undefined, undefined, "running", false],
    ["completed", undefined, "completed", "completed", false],
    ["completed", "completed", "completed", "completed", false],
    ["completed", "changed", "changed", "changed", false],
    ["completed", "skipped", "skipped", "skipped", false],
    ["completed", "failed", "failed", "failed", true],
    ["completed", "blocked", "blocked", "blocked", true],
    ["completed", "needs_intervention", "needs_intervention", "needs_intervention", true],
    ["failed", undefined, "failed", "failed", true],
    ["failed", "completed", "completed", "failed", true],
    ["failed", "changed", "changed", "failed", true],
    ["failed", "blocked", "blocked", "blocked", true],
    ["failed", "needs_intervention", "needs_intervention", "needs_intervention", true],
    ["canceled", undefined, undefined, "canceled", false],
    ["canceled", "needs_intervention", "needs_intervention", "canceled", false]
  ]
  for (const [processStatus, said, result, effective, attention] of table) {
    test(`${processStatus} with ${said ?? "no result"} is ${effective}${attention ? ", and needs attention" : ""}`, () => {
      const document = run({ processStatus, ...(said === undefined ? {} : { result: { status: said } }) })
      expect(effectiveStatusOf(document)).toBe(effective)
      expect(needsAttention(document)).toBe(attention)
      const view = toRunView(document, { backend: "memory" })
      expect([view.status, view.effectiveStatus, view.needsAttention]).toEqual([
        effective,
        effective,
        attention
      ])
      expect(view.resultStatus).toBe(result)
      expect("resultStatus" in view).toBe(result !== undefined)
    })
  }

  test("retries that are used up need attention", () => {
    expect(needsAttention(run({ processStatus: "failed", retriesUsedUp: true }))).toBe(true)
  })
})

describe("what a run waits for", () => {
  const approval = { status: "blocked", artifacts: { approval: { prompt: "Ship it?" } } } as const
  const table: ReadonlyArray<readonly [string, RunDocument, WaitingOn | undefined]> = [
    ["a slot", run({}), { _tag: "Slot" }],
    ["a retry", run({ retryAt: 1_000 }), { _tag: "Retry", at: "1970-01-01T00:00:01.000Z" }],
    [
      "the worker that holds it",
      run({ processStatus: "running", attempts: [attempt] }),
      { _tag: "Lease", workerId: "worker", attemptId: attempt.id }
    ],
    [
      "an approval",
      run({ processStatus: "completed", result: approval }),
      { _tag: "Approval", prompt: "Ship it?" }
    ],
    [
      "nothing when it has ended",
      run({ processStatus: "completed", result: { status: "changed" } }),
      undefined
    ],
    [
      "nothing when blocked without a question",
      run({ processStatus: "completed", result: { status: "blocked" } }),
      undefined
    ],
    ["nothing when canceled", run({ processStatus: "canceled" }), undefined]
  ]
  for (const [name, document, waitingOn] of table) {
    test(name, () => expect(waitingOnOf(document)).toEqual(waitingOn))
  }
})

test("a view never shows the lease token or the process, and says every gap in the output", () => {
  const output = [
    { sequence: 0, offset: 0, bytes: 5, stream: "stdout", at: 0, text: "first" },
    { sequence: 9, offset: 905, bytes: 4, stream: "stderr", at: 1_000, text: "last" }
  ] as const
  const view = toRunView(run({ processStatus: "running", attempts: [attempt] }), { backend: "file", output })
  expect(JSON.stringify(view)).not.toContain("secret")
  expect(view.attempts).toEqual([
    {
      id: attempt.id,
      attemptNumber: 1,
      status: "running",
      workerId: "worker",
      startedAt: attempt.startedAt
    }
  ])
  expect(view.output).toEqual([
    { kind: "stdout", text: "first", createdAt: "1970-01-01T00:00:00.000Z" },
    { kind: "stderr", text: "last", createdAt: "1970-01-01T00:00:01.000Z", leftOutBytes: 900 }
  ])
  expect(view).toMatchObject({
    latestOutput: "last",
    attemptCount: 1,
    backend: "file",
    flowVersion: 2,
    generation: 1
  })
  expect(toRunView(run({}), { backend: "memory" })).not.toHaveProperty("latestOutput")
})
