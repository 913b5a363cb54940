import { expect, test } from "bun:test"
import { nextStepOf } from "../../src/cascade/TargetProblem.ts"

test("whoever is not let in is told of the token, by its name, and that a password is none", () => {
  const step = nextStepOf("AuthenticationFailed", { tokenEnv: "DISPATCH_TOKEN" })
  expect(step).toContain("DISPATCH_TOKEN")
  expect(step).toContain("two-factor login needs a token")
})

test("each failure has a next step of its own, and one that nobody knows sends to its reason", () => {
  const codes = [
    ...["AuthenticationFailed", "ProtectedBranch", "HookDeclined", "StaleHead"],
    ...["RepositoryNotFound", "RepositoryArchived", "EmptyRepository"]
  ]
  const steps = codes.map((code) => nextStepOf(code, { tokenEnv: "TOKEN" }))
  expect(new Set(steps).size).toBe(codes.length)
  const unknown = nextStepOf("SomethingElse", { tokenEnv: "TOKEN" })
  expect(unknown).toContain("see the reason")
  expect(steps).not.toContain(unknown)
})
