/**
 * Clients of the field read a run in their own way (rules written down from their behaviour): for every pair of process
 * status and result they must come to the status that we give, and our own client to the view that we have.
 */
import { expect, test } from "bun:test"
import { RunId } from "@patchmoi/core/Ids"
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { toRunView } from "@patchmoi/core/run/RunView"
import { runQueued } from "@patchmoi/core/testing/flows"
import * as Schema from "effect/Schema"
import { fromRunRecord, RunRecord, toRunRecord } from "../../src/api/runRecord.ts"

const resultStatuses = ["skipped", "completed", "changed", "needs_intervention", "blocked", "failed"] as const
const processStatuses = ["queued", "running", "completed", "failed", "canceled"] as const

/** What an earlier client makes of a run: only `status`, `result` and `resultJson` are looked at. */
const earlierView = (raw: Record<string, unknown>) => {
  const processStatus = typeof raw["status"] === "string" && raw["status"] !== "" ? raw["status"] : undefined
  const payload: unknown = "result" in raw ? raw["result"] : raw["resultJson"]
  const said =
    typeof payload === "object" && payload !== null && "status" in payload ? payload.status : undefined
  const oneOfSix = (status: unknown) => resultStatuses.find((known) => known === status)
  const resultStatus = oneOfSix(said) ?? oneOfSix(processStatus)
  const effectiveStatus = resultStatus ?? processStatus ?? "unknown"
  return {
    processStatus,
    effectiveStatus,
    needsAttention: effectiveStatus === "blocked" || effectiveStatus === "needs_intervention"
  }
}

const { _tag, ...queued } = runQueued()

const run = (processStatus: RunDocument["processStatus"], result: RunDocument["result"]): RunDocument => ({
  ...queued,
  id: RunId.make("run_1"),
  processStatus,
  attempts: [],
  cancelRequested: false,
  ...(result === undefined ? {} : { result }),
  retriesUsedUp: false,
  createdAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z"
})

test("earlier clients and our own see the same status of every run", () => {
  let pairs = 0
  for (const processStatus of processStatuses) {
    for (const status of [undefined, ...resultStatuses]) {
      const view = toRunView(run(processStatus, status === undefined ? undefined : { status }), {
        backend: "memory"
      })
      const wire: Record<string, unknown> = JSON.parse(
        JSON.stringify(Schema.encodeSync(RunRecord)(toRunRecord(view)))
      )
      const earlier = earlierView(wire)
      expect(earlier.processStatus).toBe(view.processStatus)
      expect<string>(earlier.effectiveStatus).toBe(view.effectiveStatus)
      expect(earlier.needsAttention).toBe(
        view.effectiveStatus === "blocked" || view.effectiveStatus === "needs_intervention"
      )
      expect(wire["resultPayload"]).toEqual(view.resultPayload)
      expect(fromRunRecord(Schema.decodeUnknownSync(RunRecord)(wire))).toEqual(view)
      pairs += 1
    }
  }
  expect(pairs).toBe(35)
})
