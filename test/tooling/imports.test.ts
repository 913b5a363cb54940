import { describe, expect, test } from "bun:test"
import { blankComments, readImports } from "../../scripts/architecture/imports.ts"

describe("readImports", () => {
  const specifiers = (text: string) =>
    readImports(text).map(({ specifier, runtime }) => `${specifier}${runtime ? "" : " (type)"}`)

  test("sees every form of import, and which of them are gone at run time", () => {
    const text = `
import "a"
import b from "b"
import { c, type C } from "c"
import type { D } from "d"
export * from "e"
export type { F } from "f"
import {
  g
} from "g"
type H = import("h").H
const i = () => import("i")
export const used = [b, c, g, i]
`
    expect(specifiers(text).sort()).toEqual([
      "a",
      "b",
      "c",
      "d (type)",
      "e",
      "f (type)",
      "g",
      "h (type)",
      "i"
    ])
  })

  test("does not read comments, strings and templates as code", () => {
    const text = `
// import "a"
/*
import "b"
*/
const c = \`
import "c"
\`
const url = "https://x.test" // import("d")
const quote = /["'\`]/ // import("e")
const half = 4 / 2 / 1; const f = \`import("f")\`
import { g } from "g"
export const used = [c, url, quote, half, f, g]
`
    expect(specifiers(text)).toEqual(["g"])
  })

  test("reads a file that has only types", () => {
    expect(specifiers(`import type { A } from "./A.ts"\nexport type B = A`)).toEqual(["./A.ts (type)"])
  })
})

describe("blankComments", () => {
  test("keeps strings and expressions, drops what templates quote", () => {
    expect(blankComments("a = '//b' /* c */ + /\\/\\/d/g.test(`e`)")).toBe(
      "a = '//b'   + /\\/\\/d/g.test(``)"
    )
  })

  test("tells a division from an expression", () => {
    expect(blankComments("(a) / b // c / d")).toBe("(a) / b  ")
  })
})
