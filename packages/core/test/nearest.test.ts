import { describe, expect, test } from "bun:test"
import { nearest } from "../src/nearest.ts"

describe("nearest", () => {
  test("finds what is nearly right, and nothing else", () => {
    expect(nearest("alhpa", ["beta", "alpha"])).toBe("alpha")
    expect(nearest("zzz", ["beta", "alpha"])).toBeUndefined()
    expect(nearest("x".repeat(10_000), ["x"])).toBeUndefined()
  })
})
