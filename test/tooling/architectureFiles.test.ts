/** Every architecture rule about files and their text, run over a house of a few lines that breaks it. */
import { expect, test } from "bun:test"
import { exportsAreDocumented } from "../../scripts/architecture/docstrings.ts"
import { internalIsClosed } from "../../scripts/architecture/purity.ts"
import { fileCeiling, forbiddenTexts, sourceLinesMax } from "../../scripts/architecture/texts.ts"
import { house } from "./house.ts"

test("fileCeiling", () => {
  const long = house({
    "packages/core/src/A.ts": "a\n".repeat(sourceLinesMax + 1),
    "packages/core/src/B.ts": "b\n".repeat(sourceLinesMax)
  })
  expect(fileCeiling(long, new Map())).toHaveLength(1)
  expect(fileCeiling(long, new Map([["packages/core/src/A.ts", "a table"]]))).toEqual([])
  expect(
    fileCeiling(
      long,
      new Map([
        ["packages/core/src/A.ts", "a table"],
        ["packages/core/src/B.ts", "once was long"]
      ])
    )
  ).toEqual([expect.stringMatching(/B\.ts is on the list of long files/)])
})

test("internalIsClosed", () => {
  const found = (exports: Readonly<Record<string, unknown>>) =>
    internalIsClosed(
      new Map([
        ["packages/a/package.json", JSON.stringify({ name: "a", exports })],
        ["packages/a/src/one/internal/A.ts", ""],
        ["packages/a/src/internal/two/B.ts", ""]
      ])
    )
  const all = { "./*": "./src/*.ts", "./internal/*": null, "./one/internal/*": null }
  expect(found(all)).toEqual([])
  expect(found({ ".": "./src/index.ts" })).toEqual([])
  const { "./one/internal/*": _, ...rest } = all
  expect(found(rest)).toEqual(['packages/a/package.json opens a/one/internal: add "./one/internal/*": null'])
})

test("exportsAreDocumented", () => {
  const source = (...lines: ReadonlyArray<string>) => house({ "packages/core/src/A.ts": lines.join("\n") })
  for (const kind of [
    "const",
    "type",
    "interface",
    "class",
    "abstract class",
    "function",
    "async function"
  ]) {
    expect(exportsAreDocumented(source("/** Half. */", "export const half = 1", `export ${kind} A`))).toEqual(
      ["packages/core/src/A.ts:3 exports A without a docstring"]
    )
  }
  expect(exportsAreDocumented(source("// A remark.", "export const A = 1"))).toHaveLength(1)
  expect(
    exportsAreDocumented(source("/** What it is. */", "// biome-ignore lint: a reason", "export const A = 1"))
  ).toEqual([])
  expect(
    exportsAreDocumented(source("/** What it is. */", "export const A = 1", "export type A = number"))
  ).toEqual([])
  expect(exportsAreDocumented(house({ "packages/core/src/internal/A.ts": "export const A = 1" }))).toEqual([])
  expect(exportsAreDocumented(house({ "packages/core/test/A.ts": "export const A = 1" }))).toEqual([])
})

const text = (name: string, path: string, line: string, count: number) =>
  test(`forbiddenTexts: ${name}`, () => expect(forbiddenTexts(new Map([[path, line]]))).toHaveLength(count))

text("an open end", "docs/a.md", `See TO${"DO"} below.`, 1)
text("another open end", "packages/core/src/A.ts", `// FIX${"ME"}: later`, 1)
text("a skipped test", "packages/core/test/A.test.ts", `test.${"skip"}("a", f)`, 1)
text("a test that hides the others", "packages/core/test/A.test.ts", `it.effect.${"only"}("a", f)`, 1)
text("a machine path", "docs/a.md", `Look in /${"work"}/main.`, 1)
text("another machine path", "scripts/a.ts", `const bun = "/${"opt"}/bun/bin"`, 1)
text("a person's folder", "docs/a.md", `HOME=/${"home"}/meredith/.config`, 1)
text(
  "no machine path: the folder of nobody in particular",
  "docs/a.md",
  "HOME=/home/me, /home/you/project",
  0
)
text("a registry host", "README.md", `https://registry.${"npmjs"}.org/effect`, 1)
text(
  "no machine path: a relative one, a URL and a variable",
  "docs/a.md",
  "packages/work/a https://x.test/root/b $X/opt/c ~/home/x",
  0
)
text("no open end: part of a word, and a conditional skip", "a.ts", "const TODOS = test.skipIf(x)", 0)
