import { describe, expect, test } from "bun:test"
import * as FastCheck from "effect/FastCheck"
import { arrangeNames, type PlacedName, withoutNumber } from "../../src/contract/patchNames.ts"

const order = (...names: ReadonlyArray<string>): ReadonlyArray<PlacedName> =>
  names.map((name) => ({ name: `patch/${name.replace("*", "")}`, free: name.endsWith("*") }))

describe("withoutNumber", () => {
  test.each([
    ["patch/010-login", "patch/login"],
    ["patch/login", "patch/login"],
    ["fork/patch/7_x", "fork/patch/x"],
    ["patch/010", "patch/010"],
    ["patch/010-a/020-b", "patch/a/020-b"]
  ])("%s is %s", (name, expected) => {
    expect(withoutNumber(name)).toBe(expected)
  })
})

describe("arrangeNames", () => {
  test.each([
    ["nothing to rename", order("010-a", "020-b*"), ["010-a", "020-b"]],
    ["between two", order("010-a", "030-c*", "020-b"), ["010-a", "015-c", "020-b"]],
    ["at the front", order("030-c*", "010-a"), ["005-c", "010-a"]],
    ["at the end", order("020-b", "010-a*"), ["020-b", "030-a"]],
    ["several", order("010-a", "x*", "w*", "020-b"), ["010-a", "013-x", "016-w", "020-b"]],
    ["no room", order("010-a", "c*", "011-b"), ["010-a", "020-c", "030-b"]],
    ["no numbers", order("b", "a*"), ["010-b", "020-a"]],
    ["a number in front of a folder", order("x", "b/a*"), ["010-x", "020-b/a"]]
  ])("%s", (_, given, expected) => {
    expect(arrangeNames("patch/", given)).toEqual(expected.map((name) => `patch/${name}`))
  })

  test("the names sort as asked, are all different, and say the same without their numbers", () => {
    const stem = FastCheck.stringMatching(/^[a-z]{1,3}$/)
    const name = FastCheck.tuple(FastCheck.option(FastCheck.nat(999)), stem, FastCheck.boolean()).map(
      ([number, text, wide]) =>
        `patch/${number === null ? "" : `${wide ? String(number).padStart(3, "0") : number}-`}${text}`
    )
    const placed = FastCheck.uniqueArray(name, { minLength: 1, maxLength: 12 }).chain((names) =>
      FastCheck.array(FastCheck.boolean(), { minLength: names.length, maxLength: names.length }).map((free) =>
        names.map((each, at) => ({ name: each, free: free[at] ?? false }))
      )
    )
    FastCheck.assert(
      FastCheck.property(placed, (given) => {
        const names = arrangeNames("patch/", given)
        expect([...names].sort()).toEqual([...names])
        expect(new Set(names).size).toBe(given.length)
        expect(names.map(withoutNumber)).toEqual(given.map((each) => withoutNumber(each.name)))
      }),
      { seed: 4, numRuns: 500 }
    )
  })
})
