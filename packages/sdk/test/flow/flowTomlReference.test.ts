/**
 * The reference of `flow.toml` says what the decoder does: its tables are made from the decoder's keys, its
 * example is read. `UPDATE_DOCS=1 bun test flowTomlReference` writes the tables anew.
 */
import { expect, test } from "bun:test"
import { readFile, writeFile } from "node:fs/promises"
import { readManifest } from "../../src/flow/FlowManifest.ts"
import { manifestTables } from "../../src/flow/FlowManifestKeys.ts"

const file = new URL("../../../../docs/reference/flow-toml.md", import.meta.url)

const begin = "<!-- keys: made from packages/sdk/src/flow/FlowManifestKeys.ts -->"
const end = "<!-- end of keys -->"

/** The tables of all keys in Markdown. */
const rendered = manifestTables
  .map(({ heading, keys }) => {
    const rows = keys.map((key) => {
      const absent = key.required ? "required" : (key.default ?? "")
      return `| \`${key.name}\` | ${key.expected} | ${absent} | ${key.says} |`
    })
    return [
      `### ${heading}`,
      "",
      "| key | must be | when absent | what it is for |",
      "| --- | --- | --- | --- |",
      ...rows
    ].join("\n")
  })
  .join("\n\n")

const parts = async () => {
  const text = await readFile(file, "utf8")
  const [before, rest] = text.split(begin)
  const [keys, after] = rest?.split(end) ?? []
  return { text, before, keys, after }
}

test("every key is documented as the decoder has it", async () => {
  const { before, keys, after } = await parts()
  if (process.env["UPDATE_DOCS"] === "1") {
    await writeFile(file, `${before}${begin}\n\n${rendered}\n\n${end}${after}`)
  } else {
    expect(keys?.trim()).toBe(rendered)
  }
})

test("the example is a good manifest that shows every key", async () => {
  const { text } = await parts()
  const example = /```toml\n(# A complete flow\.[\s\S]*?)```/.exec(text)?.[1] ?? ""
  const { manifest, issues, warnings } = readManifest("flow.toml", example)
  expect([issues, warnings]).toEqual([[], []])
  expect(manifest?.steps.map((step) => step.name)).toEqual(["rebuild", "report"])
  for (const { keys } of manifestTables) {
    for (const { name } of keys)
      expect(example).toMatch(new RegExp(`^(${name} = |\\[+(steps\\.)?${name}\\]+$)`, "m"))
  }
})

test("what the page says of an issue is what the decoder says", async () => {
  const { text } = await parts()
  const { issues } = readManifest(
    "flow.toml",
    'name = "a"\nversion = 1\n[[steps]]\nname = "s"\nrunner = "node"\nscript = "s.ts"\ntimeout_ms = 0'
  )
  expect(issues).toHaveLength(2)
  for (const { message } of issues) expect(text).toContain(message)
})
