/** The bounded engine says what the built-in one says, and refuses what it cannot bound. */
import { describe, expect, test } from "bun:test"
import * as FastCheck from "effect/FastCheck"
import {
  compileBoundedPattern,
  PatternRefused,
  PatternTooCostly,
  patternLengthMax
} from "../../src/internal/jsonSchema/boundedPattern.ts"

const builtIn = (source: string): RegExp => {
  try {
    return new RegExp(source, "u")
  } catch {
    return new RegExp(source)
  }
}

const patterns = [
  "",
  "a",
  "^a$",
  "a|b|",
  "^(?:a|b)+$",
  "a*",
  "^a*$",
  "a+b",
  "a?b",
  "a{2}",
  "^a{2}$",
  "^a{2,}$",
  "^a{0,2}$",
  "a{0}b",
  "^(ab){1,2}$",
  "(a*)*b",
  "(?:)*a",
  "^(a|b*)*c$",
  "a*?b",
  "a+?$",
  ".",
  "^.$",
  "^..$",
  "[ab]",
  "[^ab]",
  "[a-c]+",
  "[]",
  "[^]",
  "[\\]a]",
  "[\\w-]",
  "^[\\w.-]+$",
  "\\d+",
  "\\D",
  "\\s",
  "\\S",
  "\\w",
  "\\W",
  "\\bab\\b",
  "\\Bb",
  "\\.",
  "\\/",
  "\\-",
  "a\\-b",
  "\\x61",
  "\\u0061",
  "\\u{1F4A9}",
  "\\uD83D\\uDCA9",
  "💩",
  "^💩{2}$",
  "\\p{L}+",
  "\\P{L}",
  "\\p{Script=Greek}",
  "\\cJ",
  "\\n",
  "\\0",
  "(?=a)ab",
  "^(?!.*b)",
  "(?!a)b",
  "^(?=.*a)(?=.*b).{2,3}$",
  "(?<name>a)b",
  "^v?\\d+(\\.\\d+)*$",
  "^(0|[1-9]\\d*)\\.(0|[1-9]\\d*)$",
  "a{",
  "a{x}",
  "{",
  "]",
  "a]b",
  "a{,2}",
  "^^a$$",
  "a$b",
  "(a|)(b|)$",
  "((a)|(b))c"
]
const texts = [
  "",
  "a",
  "b",
  "c",
  "ab",
  "ba",
  "aa",
  "aab",
  "abab",
  "ac",
  "abc",
  "bc",
  "a b",
  "a-b",
  "a.b",
  "-",
  ".",
  "/",
  "]",
  "{",
  "a{",
  "a{x}",
  "a{,2}",
  "{x}",
  "1",
  "12.3",
  "v1.2.10",
  "1.",
  "01.1",
  " ",
  "\n",
  "a\n",
  "\u2028",
  "\0",
  "é",
  "λ",
  "💩",
  "💩💩",
  "\uD83D",
  "\uDCA9",
  "_",
  "A",
  "K"
]

describe("a bounded pattern", () => {
  test("agrees with the built-in engine on every pattern and text", () => {
    for (const source of patterns) {
      const bounded = compileBoundedPattern(source)
      const native = builtIn(source)
      for (const text of texts) {
        expect({ source, text, found: bounded.test(text) }).toEqual({
          source,
          text,
          found: native.test(text)
        })
      }
    }
  })

  test("agrees with it on patterns made at random", () => {
    const { pattern } = FastCheck.letrec<{ pattern: string; part: string }>((tie) => ({
      pattern: FastCheck.array(tie("part"), { maxLength: 4 }).map((parts) => parts.join("")),
      part: FastCheck.oneof(
        { maxDepth: 3, withCrossShrink: true },
        FastCheck.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\w", "\\b", "^", "$"),
        FastCheck.tuple(FastCheck.constantFrom("(", "(?:", "(?=", "(?!"), tie("pattern")).map(
          (p) => `${p.join("")})`
        ),
        FastCheck.tuple(tie("pattern"), tie("pattern")).map(([left, right]) => `(?:${left}|${right})`),
        FastCheck.tuple(
          tie("pattern"),
          FastCheck.constantFrom("*", "+", "?", "{2}", "{1,2}", "{0,1}", "{1,}", "*?")
        ).map(([part, sign]) => `(?:${part})${sign}`)
      )
    }))
    const text = FastCheck.stringOf(FastCheck.constantFrom("a", "b", " "), { maxLength: 6 })
    FastCheck.assert(
      FastCheck.property(pattern, FastCheck.array(text, { minLength: 3, maxLength: 3 }), (source, some) => {
        const bounded = compileBoundedPattern(source)
        for (const each of some) expect(bounded.test(each)).toBe(builtIn(source).test(each))
      }),
      { numRuns: 2_000 }
    )
  })

  test("does not walk a count of nothing", () => {
    expect(compileBoundedPattern("^(?:(?:){999999999}){999999999}a$").test("a")).toBe(true)
  })

  test("tells patterns apart by their text", () => {
    expect(compileBoundedPattern("a").toString()).not.toBe(compileBoundedPattern("b").toString())
  })

  test.each([
    ["(", "is not a regular expression"],
    ["(a)\\1", "uses a backreference"],
    ["(?<x>a)\\k<x>", "uses a backreference"],
    ["(?<=a)b", "uses lookbehind"],
    ["(?<!a)b", "uses lookbehind"],
    ["(?i:a)", "uses lookbehind or inline flags"],
    ["(?:a{100}){100}", "unfolds to more than"],
    ["a".repeat(patternLengthMax + 1), "is longer than"],
    [`${"(".repeat(200)}a${")".repeat(200)}`, "nests groups deeper than"]
  ])("%s is refused with the reason", (source, reason) => {
    expect(() => compileBoundedPattern(source)).toThrow(PatternRefused)
    expect(() => compileBoundedPattern(source)).toThrow(reason)
  })

  test("gives up with an error where the steps run out", () => {
    const costly = compileBoundedPattern("(?=(?:a|b|c|d|e|f|g)*x)y")
    expect(() => costly.test(`${"abcdefg".repeat(5_000)}x`)).toThrow(PatternTooCostly)
  })
})
