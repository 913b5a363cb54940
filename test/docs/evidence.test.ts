/** `docs/evidence.md` leads to what it speaks of: its tables have rows, and the files and tests that it names are there. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dir, "../..")
const page = readFileSync(join(root, "docs/evidence.md"), "utf8")

test("every table has a row, and each row as many cells as its head", () => {
  const tables = tablesOf(page)
  expect(tables.length).toBeGreaterThanOrEqual(5)
  for (const [head = "", rule, ...rows] of tables) {
    expect(rule, head).toMatch(/^(\| -+ )+\|$/)
    expect(rows.length, head).toBeGreaterThan(0)
    for (const row of rows) expect(cellCountOf(row), row).toBe(cellCountOf(head))
  }
})

test("every file that is named exists", () => {
  const files = filesOf(page)
  expect(files.length).toBeGreaterThan(20)
  expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([])
})

test("every test that is quoted is in the file before it", () => {
  const section = weaknessesOf(page)
  expect(citationsOf(section).length).toBeGreaterThan(40)
  expect(missingTests(section)).toEqual([])
})

test("every weakness names a test", () => {
  const items =
    weaknessesOf(page)
      .split("\n### Without a counterpart yet")[0]
      ?.split(/\n(?=- )/) ?? []
  const weaknesses = items.filter((item) => item.startsWith("- "))
  expect(weaknesses.length).toBeGreaterThan(30)
  expect(weaknesses.filter((item) => citationsOf(item).length === 0)).toEqual([])
})

describe("a page that is wrong is told", () => {
  const own = "test/docs/evidence.test.ts"

  test("a quoted test that is only a word of the file", () => {
    expect(missingTests(`\`${own}\` "every weakness names a\n  test", "existsSync"`)).toEqual([
      `${own} has no test named existsSync`
    ])
  })

  test("a file that is gone", () => {
    expect(missingTests('`test/docs/gone.test.ts` "a name"')).toEqual([
      "test/docs/gone.test.ts has no test named a name"
    ])
  })

  test("a table without a row", () => {
    expect(tablesOf("a\n\n| a | b |\n| --- | --- |\n\nb")).toEqual([["| a | b |", "| --- | --- |"]])
  })
})

// --- internal ---

/** The lines of each table. */
const tablesOf = (text: string): ReadonlyArray<ReadonlyArray<string>> => {
  return [...text.matchAll(/(?:^\|.*\n?)+/gm)].map(([table]) => table.trimEnd().split("\n"))
}

const cellCountOf = (row: string): number => {
  return row.split("|").length - 2
}

const filesOf = (text: string): ReadonlyArray<string> => {
  return [...text.matchAll(/\b(?:bench|packages|scripts|test)\/[\w./-]+\.ts\b/g)].map(([file]) => file)
}

const weaknessesOf = (text: string): string => {
  return text.split("\n## ").find((section) => section.startsWith("Weaknesses of earlier systems")) ?? ""
}

/** Each quoted name with the file in code font before it. A name may run over the end of a line. */
const citationsOf = (text: string): ReadonlyArray<{ readonly file: string; readonly name: string }> => {
  let file = ""
  return [...text.matchAll(/`([^`\s]+\.ts)`|"([^"]+)"/g)].flatMap(([, path, quoted]) => {
    if (path !== undefined) file = path
    return quoted === undefined || file === "" ? [] : [{ file, name: quoted.replaceAll(/\s+/g, " ") }]
  })
}

/** One sentence for each quoted name that no test or group of its file has. */
const missingTests = (text: string): ReadonlyArray<string> => {
  return citationsOf(text)
    .filter(({ file, name }) => !namesIn(join(root, file)).has(name))
    .map(({ file, name }) => `${file} has no test named ${name}`)
}

/** The names of the tests and groups in a file: the first text that is handed to a call of one of their kinds. */
const namesIn = (path: string): ReadonlySet<string> => {
  if (!existsSync(path)) return new Set()
  const text = readFileSync(path, "utf8")
  // A table of cases stands between `each(` and the call with the name.
  const calls = /\b(?:test|it|describe)\b[\w.]*\(\s*"([^"\n]*)"|^ *\](?: as const)?\)\(\s*"([^"\n]*)"/gm
  const eachOf = /\.each\([^()\n]*\)\(\s*"([^"\n]*)"/g
  return new Set(
    [...text.matchAll(calls), ...text.matchAll(eachOf)].flatMap((match) =>
      match.slice(1).filter((name) => name !== undefined)
    )
  )
}
