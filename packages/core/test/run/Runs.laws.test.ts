import { expect } from "bun:test"
import * as FastCheck from "effect/FastCheck"
import { LeaseToken, makeAttemptId, RunId } from "../../src/Ids.ts"
import type { RunCommand } from "../../src/run/RunCommand.ts"
import { RunDocument } from "../../src/run/RunDocument.ts"
import { approvalAwaitedBy, hasEnded } from "../../src/run/RunEvolve.ts"
import { RunFact } from "../../src/run/RunFact.ts"
import { Runs } from "../../src/run/Runs.ts"
import { aggregateLaws, arbitraryFacts, drawnBy } from "../../src/testing/AggregateLaws.ts"
import { it } from "../../src/testing/effectTest.ts"
import { runQueued, stepPlan } from "../../src/testing/flows.ts"

const key = "run_1"
const attempts = [1, 2, 3].map((attemptNumber) => ({
  attemptNumber,
  attemptId: makeAttemptId(RunId.make(key), attemptNumber),
  leaseToken: LeaseToken.make(`token ${attemptNumber}`)
}))
const { _tag, ...run } = runQueued(
  stepPlan("s.ts", { retry: { maxAttempts: 2, backoffMillis: 10, on: ["failed", "lost"] } })
)
const good = { exit: { _tag: "ExitCode", code: 0 }, result: { status: "changed" } } as const
const asking = {
  exit: { _tag: "ExitCode", code: 0 },
  result: { status: "blocked", artifacts: { approval: { prompt: "Go on?", choices: ["yes", "no"] } } }
} as const
const stopped = { exit: { _tag: "Lost", reason: "the engine stopped", by: "stop" }, error: "lost" } as const
const bad = { exit: { _tag: "ExitCode", code: 1 }, error: "exited with code 1" } as const

const facts: ReadonlyArray<RunFact> = [
  { _tag, ...run },
  { _tag: "RunRetryScheduled", retryAt: 7 },
  { _tag: "RunCancelRequested" },
  { _tag: "RunEnded", processStatus: "completed", ...good, retriesUsedUp: false },
  { _tag: "RunEnded", processStatus: "failed", ...bad, retriesUsedUp: true },
  { _tag: "RunEnded", processStatus: "completed", ...asking, retriesUsedUp: false },
  { _tag: "ApprovalDecided", decision: "approved", choice: "yes", by: "operator" },
  ...attempts.flatMap(
    ({ leaseToken, ...attempt }): ReadonlyArray<RunFact> => [
      { _tag: "AttemptStarted", ...attempt, leaseToken, workerId: "w" },
      { _tag: "AttemptSpawned", attemptId: attempt.attemptId, process: { pid: 1 } },
      { _tag: "AttemptEnded", attemptId: attempt.attemptId, ...bad },
      { _tag: "LateWriteRefused", attemptId: attempt.attemptId, kind: "output", reason: "taken" }
    ]
  )
]
const commands: ReadonlyArray<RunCommand> = [
  { _tag: "Queue", run },
  { _tag: "Cancel", by: "operator" },
  { _tag: "DecideApproval", decision: "rejected", comment: "not now" },
  { _tag: "DecideApproval", decision: "approved", choice: "yes" },
  ...attempts.flatMap(({ attemptId, leaseToken }, index): ReadonlyArray<RunCommand> => {
    const now = index * 1_000
    const held = { attemptId, leaseToken }
    return [
      { _tag: "StartAttempt", workerId: "w", leaseToken, now },
      { _tag: "RecordProcess", ...held, process: { pid: 1 } },
      { _tag: "EndAttempt", ...held, outcome: good, now, jitter: 0 },
      { _tag: "EndAttempt", ...held, outcome: bad, now, jitter: 1 },
      { _tag: "EndAttempt", ...held, outcome: asking, now, jitter: 1 },
      { _tag: "EndAttempt", ...held, outcome: stopped, now, jitter: 1 },
      { _tag: "RefuseWrite", ...held, kind: "end", summary: "changed" },
      { _tag: "RefuseWrite", ...held, kind: "heartbeat" }
    ]
  })
]

aggregateLaws({ aggregate: Runs, fact: RunFact, document: RunDocument, key, facts, commands })

it.prop(
  "in any order of facts, one attempt at most is under way, and a run that has ended only keeps late writes or is decided",
  drawnBy(FastCheck.array(arbitraryFacts(RunFact, facts), { maxLength: 24 })),
  (sequence) => {
    let document: RunDocument | undefined
    for (const fact of sequence) {
      const after = Runs.evolve(document, fact, { key, at: 0 })
      expect(after?.attempts.filter(({ status }) => status === "running").length ?? 0).toBeLessThanOrEqual(1)
      if (document !== undefined && hasEnded(document.processStatus)) {
        if (fact._tag === "ApprovalDecided" && after?.processStatus === "queued") {
          expect(approvalAwaitedBy(document)).toBeDefined()
        } else if (fact._tag === "LateWriteRefused") {
          const { lateWrites, updatedAt } = after ?? document
          expect(after).toEqual({
            ...document,
            updatedAt,
            ...(lateWrites === undefined ? {} : { lateWrites })
          })
        } else expect(after).toBe(document)
      }
      document = after
    }
  }
)
