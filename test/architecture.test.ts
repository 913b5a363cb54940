/**
 * The arrows, the purity and the texts of this repository. That each rule is able to fail is shown by
 * `test/tooling/architectureRules.test.ts`.
 */
import { describe, expect, test } from "bun:test"
import { dirname } from "node:path"
import { exportsAreDocumented } from "../scripts/architecture/docstrings.ts"
import { readFiles, readModules } from "../scripts/architecture/house.ts"
import { declaredDependencies, internalIsClosed } from "../scripts/architecture/purity.ts"
import { moduleRules } from "../scripts/architecture/rules.ts"
import { fileCeiling, forbiddenTexts } from "../scripts/architecture/texts.ts"

describe("this repository", async () => {
  const files = await readFiles(dirname(import.meta.dir))
  const modules = readModules(files)

  test("is read: every package has source with imports that lead somewhere", () => {
    for (const room of ["core", "store-file", "store-sqlite", "git", "sdk"]) {
      expect(modules.some((module) => module.path.startsWith(`packages/${room}/src/`))).toBe(true)
    }
    expect(
      modules.flatMap(({ imports }) => imports).filter(({ target }) => target !== undefined).length
    ).toBeGreaterThan(10)
  })

  for (const [name, rule] of Object.entries(moduleRules)) {
    test(name, () => expect(rule(modules)).toEqual([]))
  }
  test("declaredDependencies", () => expect(declaredDependencies(files, modules)).toEqual([]))
  test("internalIsClosed", () => expect(internalIsClosed(files)).toEqual([]))
  test("fileCeiling", () => expect(fileCeiling(files)).toEqual([]))
  test("exportsAreDocumented", () => expect(exportsAreDocumented(files)).toEqual([]))
  test("forbiddenTexts", () => expect(forbiddenTexts(files)).toEqual([]))
})
