/** The pages lead somewhere: every link and every file that is named exists, and the index leads to every page. */
import { expect, test } from "bun:test"
import { join } from "node:path"
import { deadLinks, missingFiles, unreachable } from "../../scripts/docs/links.ts"
import { readPages } from "../../scripts/docs/pages.ts"

const root = join(import.meta.dir, "../..")
const pages = await readPages(root)

test("every link leads to a file, and to a heading of it", async () => {
  expect(await deadLinks(root, pages)).toEqual([])
})

test("every file that a page names is there", async () => {
  expect(await missingFiles(root, pages)).toEqual([])
})

test("every page is reachable from the index", () => {
  expect(unreachable(pages, "docs/README.md")).toEqual([])
})

test("the README leads to the index", () => {
  expect(unreachable(pages, "README.md")).toEqual([])
})

const page = (path: string, text: string) => ({ path, text })

test("a link that leads nowhere is told with its line, and one into the web is left alone", async () => {
  const path = "docs/reference/flow-toml.md"
  const links =
    "see\n[b](gone.md), [c](../../package.json), [d](https://example.com), [e](#no-such), [f](#such)"
  const bad = page(path, `${links}\n# Such`)
  expect(await deadLinks(root, [bad])).toEqual([
    `${path}:2 links to docs/reference/gone.md, which is not there`,
    `${path}:2 links to #no-such, which ${path} has not`
  ])
})

test("a named file that is not there is told; a block is not prose", async () => {
  const bad = page(
    "docs/a.md",
    "`packages/gone.ts` and `packages/*/package.json`\n```text\n`docs/also-gone.md`\n```"
  )
  expect(await missingFiles(root, [bad])).toEqual(["docs/a.md:1 names packages/gone.ts, which is not there"])
})

test("a page that nothing leads to is told", () => {
  const pages = [
    page("docs/README.md", "[a](a.md)"),
    page("docs/a.md", ""),
    page("docs/lost.md", "[a](a.md)")
  ]
  expect(unreachable(pages, "docs/README.md")).toEqual(["docs/lost.md"])
})
