import { describe, expect, test } from "bun:test"
import { type Column, toLines, toTable } from "../../src/cli/text/table.ts"
import { cut, oneLine, pad, widthOf } from "../../src/cli/text/width.ts"

const plain = (text: string): string => text

describe("width", () => {
  test("counts wide characters twice and combining ones not at all", () => {
    expect(widthOf("日本")).toBe(4)
    expect(widthOf("e\u0301")).toBe(1)
  })

  test("cuts between characters, never in one, to the width at most", () => {
    expect(cut("abcdef", 6)).toBe("abcdef")
    expect(cut("abcdef", 4)).toBe("abc…")
    expect(cut("日本語", 4)).toBe("日…")
    expect(cut("👩‍👩‍👧‍👦abc", 3)).toBe("👩‍👩‍👧‍👦…")
    expect(cut("abc", 0)).toBe("")
    expect(pad("日", 4)).toBe("日  ")
  })

  test("leaves no control character that could move the cursor", () => {
    expect(oneLine("a\u001b[2Jb\nc\r\td")).toBe("a [2Jb c d")
  })
})

describe("table", () => {
  interface Row {
    readonly id: string
    readonly says: string
  }
  const columns: ReadonlyArray<Column<Row>> = [
    { title: "ID", of: ({ id }) => id },
    { title: "SAYS", of: ({ says }) => says, shrinks: true }
  ]
  const rows = [
    { id: "one", says: "a long sentence in many words" },
    { id: "日本", says: "short" }
  ]

  test("no line is wider than the terminal, whatever the terminal", () => {
    for (let width = 1; width <= 60; width++) {
      const lines = toTable(columns, rows, { width, heading: plain }).trimEnd().split("\n")
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(width)
    }
  })

  test("the column that may shrink gives way first", () => {
    expect(toTable(columns, rows, { width: 16, heading: plain })).toBe(
      "ID    SAYS\none   a long se…\n日本  short\n"
    )
  })

  test("lines for programs are uncut and have no heading", () => {
    expect(toLines(columns, rows)).toBe("one\ta long sentence in many words\n日本\tshort\n")
  })

  test("no rows are no text", () => {
    expect(toTable(columns, [], { width: 80, heading: plain })).toBe("")
  })
})
