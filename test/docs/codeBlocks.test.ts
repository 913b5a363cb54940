/**
 * Every fenced block of every page does what the page says. Each page is one session in a scratch folder of its own, and a
 * block that is not run says why. How blocks are read is in `scripts/docs/pages.ts`, how they run in `scripts/docs/session.ts`.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { join } from "node:path"
import { blocksOf, readPages } from "../../scripts/docs/pages.ts"
import { makeScratch, type Scratch } from "../../scripts/docs/scratch.ts"
import { runPage } from "../../scripts/docs/session.ts"
import { typeErrors } from "../../scripts/docs/typeCheck.ts"

const root = join(import.meta.dir, "../..")
const pages = await readPages(root)
const pageMillisMax = 180_000

describe("code blocks of the documentation", () => {
  let scratch: Scratch
  const skipped: Array<string> = []

  beforeAll(async () => {
    scratch = await makeScratch(root)
  })
  afterAll(async () => {
    await scratch[Symbol.asyncDispose]()
    console.log(
      `${skipped.length} code blocks are not run:\n${skipped.map((line) => `  ${line}`).join("\n")}`
    )
  })

  test(
    "every TypeScript block fits its types",
    async () => {
      expect(await typeErrors(root, scratch, pages.flatMap(blocksOf))).toEqual([])
    },
    pageMillisMax
  )

  for (const page of pages.filter(({ text }) => /^ *(?:`{3}|~{3})/m.test(text))) {
    test(
      `${page.path} runs from top to bottom`,
      async () => {
        const blocks = blocksOf(page)
        const report = await runPage(scratch, blocks)
        skipped.push(...report.skipped)
        expect(report.ran + report.shown + report.skipped.length).toBe(blocks.length)
      },
      pageMillisMax
    )
  }
})
