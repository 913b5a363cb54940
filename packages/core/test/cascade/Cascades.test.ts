import { expect, test } from "bun:test"
import { type CascadeDocument, lastWrittenOf, type TargetStatus } from "../../src/cascade/CascadeDocument.ts"
import type { TargetTry } from "../../src/cascade/CascadeFact.ts"
import { Cascades, makeCascadeId } from "../../src/cascade/Cascades.ts"
import { given } from "../../src/testing/AggregateSpec.ts"

const key = makeCascadeId("runtime", "1.2.3", "2026-01-01T00:00:00.000Z")
const plan = {
  name: "runtime",
  version: "1.2.3",
  file: ".runtime-version",
  targets: [
    { target: "a", intent: "write", how: "push" },
    { target: "b", intent: "unreachable", how: "push", code: "Unreachable", reason: "refused" },
    { target: "c", intent: "up-to-date", how: "push" },
    { target: "d", intent: "disabled", how: "push" }
  ]
} as const
const planned = { _tag: "CascadePlanned", ...plan } as const
const attempt = (target: string, number: number, outcome: TargetTry["outcome"]): TargetTry => ({
  target,
  number,
  how: "push",
  outcome
})
const tried = (target: string, number: number, outcome: TargetTry["outcome"]) =>
  ({ _tag: "CascadeTargetTried", ...attempt(target, number, outcome) }) as const

test("a cascade is planned once, and what is to be done is pending", () => {
  given(Cascades, key)
    .when({ _tag: "Plan", ...plan })
    .then(planned)
    .document({
      id: key,
      status: "running",
      targets: [
        { target: "a", status: "pending", intent: "write", how: "push", tries: 0 },
        {
          target: "b",
          status: "pending",
          intent: "unreachable",
          how: "push",
          tries: 0,
          code: "Unreachable",
          reason: "refused"
        },
        { target: "c", status: "up-to-date", intent: "up-to-date", how: "push", tries: 0 },
        { target: "d", status: "disabled", intent: "disabled", how: "push", tries: 0 }
      ]
    })
  given(Cascades, key, planned)
    .when({ _tag: "Plan", ...plan, version: "2.0.0" })
    .thenNothing()
})

test("each try is a fact of its own; one that is known, or at a stranger, is none", () => {
  given(Cascades, key, planned)
    .when({
      _tag: "RecordTries",
      tries: [
        attempt("a", 1, "raced"),
        attempt("a", 2, "written"),
        attempt("a", 2, "failed"),
        attempt("z", 1, "written")
      ]
    })
    .then(tried("a", 1, "raced"), tried("a", 2, "written"))
    .document({ targets: expect.arrayContaining([expect.objectContaining({ status: "written", tries: 2 })]) })
  given(Cascades, key, planned, tried("a", 1, "raced"))
    .when({ _tag: "RecordTries", tries: [attempt("a", 1, "raced")] })
    .thenNothing()
  given(Cascades, key)
    .when({ _tag: "RecordTries", tries: [attempt("a", 1, "written")] })
    .thenNothing()
})

test("it ends as its targets did, and takes nothing more", () => {
  const done = [planned, tried("a", 1, "written")] as const
  given(Cascades, key, ...done, tried("b", 1, "failed"))
    .when({ _tag: "Finish" })
    .then({ _tag: "CascadeFinished" })
    .document({ status: "failed", finishedAt: expect.any(String) })
  given(Cascades, key, ...done, tried("b", 1, "pinned"))
    .when({ _tag: "Finish" })
    .then({ _tag: "CascadeFinished" })
    .document({ status: "needs_person" })
  given(Cascades, key, ...done, tried("b", 1, "not-active"))
    .when({ _tag: "Finish" })
    .then({ _tag: "CascadeFinished" })
    .document({ status: "completed" })
  // What was never tried has not been reached.
  given(Cascades, key, ...done)
    .when({ _tag: "Finish" })
    .then({ _tag: "CascadeFinished" })
    .document({ status: "failed" })
  given(Cascades, key, ...done, { _tag: "CascadeFinished" })
    .when({ _tag: "RecordTries", tries: [attempt("b", 1, "written")] })
    .thenNothing()
})

test("a target that is written keeps how it was, whatever a later try met", () => {
  const written = { ...tried("a", 1, "written"), commit: "c1" }
  const failed = {
    ...tried("a", 2, "failed"),
    how: "dispatch",
    code: "Unreachable",
    reason: "refused"
  } as const
  const { document } = given(Cascades, key, planned, written, failed)
  expect(document?.targets[0]).toEqual({
    target: "a",
    intent: "write",
    status: "written",
    how: "push",
    tries: 2,
    commit: "c1"
  })
})

test("the newest word about a target counts, and only what it was told", () => {
  const cascade = (version: string, targets: Record<string, TargetStatus>): CascadeDocument => ({
    id: version,
    name: "runtime",
    version,
    file: "f",
    status: "completed",
    targets: Object.entries(targets).map(([target, status]) => ({
      target,
      status,
      intent: "write",
      how: status === "dispatched" ? "dispatch" : "push",
      tries: 1
    })),
    createdAt: "",
    updatedAt: ""
  })
  const last = lastWrittenOf([
    cascade("3", { a: "failed", b: "pinned", c: "written", d: "up-to-date", e: "dispatched" }),
    cascade("2", { a: "written", b: "failed", c: "written", f: "raced" }),
    cascade("1", { a: "written", b: "written" })
  ])
  expect(Object.fromEntries([...last].map(([target, { version }]) => [target, version]))).toEqual({
    a: "2",
    b: "1",
    c: "3",
    d: "3",
    e: "3"
  })
})
