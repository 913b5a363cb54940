import { expect, test } from "bun:test"
import * as fs from "node:fs"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Schema from "effect/Schema"
import { decodeLine, encodeLine } from "../../src/internal/lineFormat.ts"
import { scanCommits } from "../../src/internal/scan.ts"

const Line = Schema.Struct({
  stream: Schema.String,
  type: Schema.String,
  at: Schema.NonNegativeInt,
  version: Schema.NonNegativeInt,
  data: Schema.Struct({ text: Schema.String, list: Schema.Array(Schema.JsonNumber), batch: Schema.String }),
  end: Schema.optional(Schema.Struct({ facts: Schema.NonNegativeInt, after: Schema.NonNegativeInt }))
})

it.prop("a line that is written is read back", Line, ({ end, data, ...fact }) => {
  const row = { ...fact, data: JSON.stringify(data) }
  const line = encodeLine(row, 7, end)
  expect(line.indexOf(0x0a)).toBe(line.length - 1)
  expect(JSON.parse(line.toString("utf8"))).toMatchObject({ position: 7, data: JSON.parse(row.data) })
  expect(decodeLine(line.subarray(0, -1))).toEqual({ row: { ...row, position: 7 }, end })
})

test("JSON over several lines becomes one line with the same meaning", () => {
  const data = JSON.stringify({ a: [1, "x\ny"] }, undefined, 2)
  const line = encodeLine({ stream: "s/1", version: 1, at: 0, type: "T", data }, 1, undefined)
  expect(line.indexOf(0x0a)).toBe(line.length - 1)
  expect(JSON.parse(line.toString("utf8"))).toMatchObject({ data: { a: [1, "x\ny"] } })
})

test("any other byte in place of one is found", () => {
  const line = encodeLine({ stream: "s/1", version: 1, at: 5, type: "T", data: "{}" }, 1, {
    facts: 1,
    after: 0
  })
  for (let at = 0; at < line.length - 1; at++) {
    const hurt = Buffer.from(line.subarray(0, -1))
    hurt[at] = (hurt[at] ?? 0) ^ 1
    expect(typeof decodeLine(hurt)).toBe("string")
  }
})

test("the example of the reference is a log of two commits", () => {
  const reference = fs.readFileSync(`${import.meta.dir}/../../../../docs/reference/store-file.md`, "utf8")
  const example = /```jsonl\n([^`]*)```/.exec(reference)?.[1] ?? ""
  const commits: Array<number> = []
  const scan = scanCommits(Buffer.from(example), { end: 0, lines: 0, head: 0 }, ({ rows }) => {
    commits.push(rows.length)
  })
  expect(scan).toMatchObject({ head: 3, flaw: undefined })
  expect(commits).toEqual([2, 1])
})
