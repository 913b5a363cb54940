import { describe, expect, test } from "bun:test"
import { EventId, MaintenanceAttemptId, RunId } from "../../src/Ids.ts"
import {
  conclusionOf,
  MaintenanceAttempts,
  type MaintenanceCommand,
  makeMaintenanceAttemptId,
  mergeCandidateRefs
} from "../../src/maintenance/MaintenanceAttempts.ts"
import type { MaintenanceStatus } from "../../src/maintenance/MaintenanceDocument.ts"
import type { MaintenanceFact, MaintenanceRunEnded } from "../../src/maintenance/MaintenanceFact.ts"
import { given } from "../../src/testing/AggregateSpec.ts"

const key = "e1:dispatch:1970-01-01T00:00:00.000Z"
const [first, second] = [RunId.make("run_1"), RunId.make("run_2")]
const opening = {
  eventId: EventId.make("e1"),
  eventType: "upstream.release",
  operation: "dispatch" as const,
  upstream: { upstreamRepo: "o/r", upstreamTag: "v1" },
  runIds: [first, second]
}
const opened: MaintenanceFact = { _tag: "MaintenanceOpened", ...opening }
const runEnded = (
  runId: RunId,
  status: string,
  more: Partial<typeof MaintenanceRunEnded.Type> = {}
): MaintenanceFact => ({
  _tag: "MaintenanceRunEnded",
  runId,
  status,
  candidateRefs: [],
  ...more
})
const by = MaintenanceAttemptId.make("e1:replay:2")
const recordEnd = (runId: RunId, status: string): MaintenanceCommand => ({
  _tag: "RecordRunEnd",
  runId,
  status,
  candidateRefs: []
})

describe("open", () => {
  test("starts with its runs and the upstream movement", () => {
    given(MaintenanceAttempts, key)
      .when({ _tag: "Open", ...opening })
      .then(opened)
      .document({
        status: "started",
        upstreamRepo: "o/r",
        upstreamTag: "v1",
        workspaceRunIds: [first, second]
      })
  })

  test("without runs is skipped at once, with the reason", () => {
    given(MaintenanceAttempts, key)
      .when({ _tag: "Open", ...opening, runIds: [], unmatchedReason: "nothing matched" })
      .document({ status: "skipped", message: "nothing matched", completedAt: "1970-01-01T00:00:00.000Z" })
  })

  test("a second time changes nothing", () => {
    given(MaintenanceAttempts, key, opened)
      .when({ _tag: "Open", ...opening })
      .thenNothing()
  })
})

describe("a run that ended", () => {
  test("is recorded; the last one concludes the attempt", () => {
    const half = given(MaintenanceAttempts, key, opened)
    half.when(recordEnd(first, "changed")).then(runEnded(first, "changed")).document({ status: "started" })
    half
      .and(runEnded(first, "changed"))
      .at(9)
      .when(recordEnd(second, "completed"))
      .document({
        status: "changed",
        workspaceRunStatuses: { run_1: "changed", run_2: "completed" },
        completedAt: "1970-01-01T00:00:00.009Z"
      })
  })

  test("is recorded once, and for no attempt not at all", () => {
    given(MaintenanceAttempts, key, opened, runEnded(first, "failed"))
      .when(recordEnd(first, "changed"))
      .thenNothing()
    given(MaintenanceAttempts, key).when(recordEnd(first, "changed")).thenNothing().document(undefined)
  })

  test("named like a member of every object is still a run of its own", () => {
    const odd = RunId.make("toString")
    const attempt = given(MaintenanceAttempts, key, { ...opened, runIds: [odd] })
    expect(attempt.document).toMatchObject({ status: "started" })
    attempt.when(recordEnd(odd, "changed")).then(runEnded(odd, "changed")).document({ status: "changed" })
  })

  test("adds its candidate refs and the last message and error", () => {
    const ref = { kind: "branch", ref: "refs/heads/candidate/v1", repo: "o/r" }
    const { document } = given(
      MaintenanceAttempts,
      key,
      opened,
      runEnded(first, "failed", { candidateRefs: [ref], message: "m1", error: "e1" }),
      runEnded(second, "changed", {
        candidateRefs: [
          { ...ref, pushed: true },
          { kind: "tag", ref: "v1" }
        ],
        message: "m2"
      })
    )
    expect(document).toMatchObject({
      status: "failed",
      message: "m2",
      error: "e1",
      candidateRefs: [
        { ...ref, pushed: true },
        { kind: "tag", ref: "v1" }
      ]
    })
  })
})

describe("replace", () => {
  test("closes an attempt that is open, and what its runs still do changes its status no more", () => {
    const replaced = given(MaintenanceAttempts, key, opened)
    replaced
      .when({ _tag: "Replace", by })
      .document({ status: "skipped", replacedBy: by, message: `Replaced by ${by}` })
    const { document } = replaced
      .and({ _tag: "MaintenanceReplaced", by })
      .and(runEnded(first, "failed"), runEnded(second, "failed"))
    expect(document).toMatchObject({
      status: "skipped",
      workspaceRunStatuses: { run_1: "failed", run_2: "failed" }
    })
  })

  test("leaves the conclusion of one that has ended", () => {
    given(MaintenanceAttempts, key, { ...opened, runIds: [first] }, runEnded(first, "changed"))
      .when({ _tag: "Replace", by })
      .then({ _tag: "MaintenanceReplaced", by })
      .document({ status: "changed", replacedBy: by })
  })

  test("twice, or of none, changes nothing", () => {
    given(MaintenanceAttempts, key, opened, { _tag: "MaintenanceReplaced", by })
      .when({ _tag: "Replace", by })
      .thenNothing()
    given(MaintenanceAttempts, key).when({ _tag: "Replace", by }).thenNothing()
  })
})

test("the conclusion is the first of its precedence", () => {
  const table: ReadonlyArray<readonly [ReadonlyArray<string>, MaintenanceStatus]> = [
    [["changed", "failed", "blocked", "needs_intervention"], "needs_intervention"],
    [["changed", "failed", "blocked"], "blocked"],
    [["changed", "failed"], "failed"],
    [["changed", "canceled"], "failed"],
    [["completed", "changed", "skipped"], "changed"],
    [["completed", "skipped"], "completed"],
    [["skipped", "skipped"], "skipped"],
    [[], "skipped"]
  ]
  for (const [statuses, conclusion] of table) {
    expect([statuses, conclusionOf(statuses)]).toEqual([statuses, conclusion])
    expect(conclusionOf(statuses.toReversed())).toBe(conclusion)
  }
})

test("a second attempt of one time counts on", () => {
  const make = (taken: ReadonlyArray<string>) => makeMaintenanceAttemptId("e1", "replay", 0, taken)
  const base = make([])
  expect(String(base)).toBe("e1:replay:1970-01-01T00:00:00.000Z")
  const next = make([base])
  expect(String(next)).toBe(`${base}-2`)
  expect(String(make([base, next]))).toBe(`${base}-3`)
})

test("a candidate ref stands once per kind, repository, remote, ref and commit", () => {
  const ref = { kind: "ref", ref: "a" }
  expect(mergeCandidateRefs([ref], [ref, { ...ref, sha: "1" }, { ...ref, remote: "fork" }])).toHaveLength(3)
  const forged = [
    { kind: "a", ref: "c", repo: "b" },
    { kind: "a:b", ref: "c" }
  ]
  expect(mergeCandidateRefs([], forged)).toHaveLength(2)
})

describe("of another backend", () => {
  const remote = { ...opening, runIds: [], workspaceBackendUrl: "http://other" }
  const openedRemote: MaintenanceFact = { _tag: "MaintenanceOpened", ...remote }
  const known = (...runIds: ReadonlyArray<RunId>): MaintenanceFact => ({
    _tag: "MaintenanceRunsKnown",
    runIds
  })

  test("waits for its runs, and is concluded by them", () => {
    given(MaintenanceAttempts, key)
      .when({ _tag: "Open", ...remote })
      .then(openedRemote)
      .document({ status: "started", awaitsBackend: true, workspaceBackendUrl: "http://other" })
    given(MaintenanceAttempts, key, openedRemote)
      .when({ _tag: "RecordRuns", runIds: [first] })
      .then(known(first))
      .document({ status: "started", workspaceRunIds: [first] })
    given(MaintenanceAttempts, key, openedRemote, known(first))
      .when(recordEnd(first, "changed"))
      .then(runEnded(first, "changed"))
      .document({ status: "changed" })
    given(MaintenanceAttempts, key, openedRemote)
      .when({ _tag: "RecordRuns", runIds: [] })
      .then(known())
      .document({ status: "skipped" })
    given(MaintenanceAttempts, key, openedRemote, known(first))
      .when({ _tag: "RecordRuns", runIds: [second] })
      .thenNothing()
  })

  test("fails when it is given up, and is open again once it was accepted after all", () => {
    const notDispatched: MaintenanceFact = { _tag: "MaintenanceNotDispatched", error: "refused" }
    given(MaintenanceAttempts, key, openedRemote)
      .when({ _tag: "RecordNotDispatched", error: "refused" })
      .then(notDispatched)
      .document({ status: "failed", error: "refused" })
    given(MaintenanceAttempts, key, openedRemote, notDispatched)
      .when({ _tag: "RecordRuns", runIds: [first] })
      .then(known(first))
      .document({ status: "started", workspaceRunIds: [first] })
    given(MaintenanceAttempts, key, opened)
      .when({ _tag: "RecordNotDispatched", error: "refused" })
      .thenNothing()
  })
})
