import { expect, test } from "bun:test"
import { candidateRefsMax, candidateRefsOf } from "../../src/maintenance/candidateRefs.ts"

test("refs are read from each of the three places, as text or as objects", () => {
  const read = candidateRefsOf({
    candidateRefs: [
      "refs/heads/a",
      { ref: "b", kind: "branch", repo: "o/r", remote: "fork", sha: "1", url: "u", pushed: true }
    ],
    candidates: [{ ref: "c" }],
    candidateRef: "d"
  })
  expect(read).toEqual([
    { kind: "ref", ref: "refs/heads/a" },
    { kind: "branch", ref: "b", repo: "o/r", remote: "fork", sha: "1", url: "u", pushed: true },
    { kind: "ref", ref: "c" },
    { kind: "ref", ref: "d" }
  ])
})

test("what is no ref is passed over, field by field", () => {
  expect(candidateRefsOf(undefined)).toEqual([])
  expect(candidateRefsOf({ candidateRefs: "a", candidates: { ref: "b" }, candidateRef: ["c"] })).toEqual([])
  expect(candidateRefsOf({ candidateRefs: [null, 1, "", {}, { ref: "" }, { ref: 7 }, [], true] })).toEqual([])
  expect(candidateRefsOf({ candidateRef: { ref: "a", kind: 1, sha: null, pushed: "yes" } })).toEqual([
    { kind: "ref", ref: "a" }
  ])
})

test("a flood of refs is cut", () => {
  const flood = Array.from({ length: candidateRefsMax + 5 }, (_, n) => `r${n}`)
  expect(candidateRefsOf({ candidateRefs: flood })).toHaveLength(candidateRefsMax)
})
