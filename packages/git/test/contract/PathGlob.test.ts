import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import { globLengthMax, parseGlob } from "../../src/contract/PathGlob.ts"

const matches = (glob: string, path: string | Uint8Array): boolean =>
  Either.getOrThrow(parseGlob(glob)).matches(Buffer.from(path))

describe("parseGlob", () => {
  test.each([
    ["src/login.ts", "src/login.ts", true],
    ["src/login", "src/login/form.ts", true],
    ["src/login", "src/login.ts", false],
    ["src/login/", "src/login/a/b", true],
    ["src/login/", "src/login", false],
    ["src/*", "src/a.ts", true],
    ["src/*", "src/a/b.ts", false],
    ["src/*.ts", "src/.ts", true],
    ["**", "a/b/c", true],
    ["src/**", "src/a/b/c", true],
    ["src/**", "src", false],
    ["**/test.ts", "test.ts", true],
    ["**/test.ts", "a/b/test.ts", true],
    ["**/test.ts", "a/best.ts", false],
    ["a/**/z", "a/z", true],
    ["a/**/z", "a/b/c/z", true],
    ["a/**/z", "a/bz", false],
    ["a/**/b*/c", "a/x/b1/y/c", false],
    ["a/**/b*/c", "a/x/y/b1/c", true],
    ["?.txt", "é.txt", true],
    ["??.txt", "é.txt", false],
    ["日*", "日本", true],
    ["[a]", "[a]", true],
    ["[a]", "a", false]
  ])("%s and %s: %p", (glob, path, expected) => {
    expect(matches(glob, path)).toBe(expected)
  })

  test("a path that is no UTF-8 is met by wildcards and not by text", () => {
    const path = Buffer.from([0x61, 0x2f, 0xff, 0xfe])
    expect(matches("a/**", path)).toBe(true)
    expect(matches("a/*", path)).toBe(true)
    expect(matches("a/ÿþ", path)).toBe(false)
  })

  test("what is no glob is told", () => {
    for (const glob of ["", "/a", "a//b", "../a", "a/./b", "a**", "x\0", "a".repeat(globLengthMax + 1)]) {
      expect(Either.isLeft(parseGlob(glob))).toBe(true)
    }
  })

  test("no glob takes longer than its length times the path's", () => {
    const started = performance.now()
    expect(matches("*a".repeat(499), `${"a".repeat(4000)}b`)).toBe(false)
    expect(matches("**/".repeat(300), "a/".repeat(2000))).toBe(true)
    expect(performance.now() - started).toBeLessThan(3000)
  })
})
