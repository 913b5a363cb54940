/** The page and the packaged manifest tell every key, and no other. */
import { expect, test } from "bun:test"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { MaintainConfig } from "../../src/maintain/MaintainConfig.ts"

const house = join(import.meta.dir, "..", "..", "..", "..")
const keys = Object.keys(MaintainConfig.fields).sort()

test("the reference lists the keys of [config]", async () => {
  const page = await readFile(join(house, "docs", "reference", "maintain-fork.md"), "utf8")
  const section = page.slice(page.indexOf("## Config"), page.indexOf("### Gates"))
  const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map((found) => found[1] ?? "")
  expect(listed.sort()).toEqual(keys)
})

test("flow.toml has every key, set to its default or as a comment", async () => {
  const text = await readFile(join(house, "flows", "maintain-fork", "flow.toml"), "utf8")
  const section = text.slice(text.indexOf("[config]"), text.indexOf("[[steps]]"))
  const listed = [...section.matchAll(/^(?:# )?(\w+) = /gm)].map((found) => found[1] ?? "")
  expect(listed.sort()).toEqual(keys)
})
