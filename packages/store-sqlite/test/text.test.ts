import { Database } from "bun:sqlite"
import { expect, test } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Schema from "effect/Schema"
import { fromText, textMax, toText } from "../src/internal/text.ts"

/** Code units around every border, alone and in pairs. */
const units = [0, 1, 0x31, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xd800, 0xdbff, 0xdc00, 0xdfff, 0xe000, 0xffff]
const strings = [
  "",
  ...units.map((unit) => String.fromCharCode(unit)),
  ...units.flatMap((first) => units.map((second) => String.fromCharCode(first, second)))
]

test("SQLite gives every string back and sorts as JavaScript does", () => {
  const database = new Database(":memory:")
  database.run("CREATE TABLE texts (text TEXT PRIMARY KEY) WITHOUT ROWID")
  const insert = database.prepare("INSERT INTO texts VALUES (?)")
  for (const string of strings) insert.run(toText(string))
  const rows = database.prepare("SELECT text FROM texts ORDER BY text").values()
  expect(rows.map(([text]) => fromText(String(text)))).toEqual(strings.toSorted())
  const [above] = database.prepare("SELECT count(*) FROM texts WHERE text >= ?").values(textMax)
  expect(above).toEqual([0])
  database.close()
})

it.prop(
  "any string comes back, and prefixes stay prefixes",
  Schema.Tuple(Schema.String, Schema.String),
  ([a, b]) => {
    expect(fromText(toText(a))).toBe(a)
    expect(toText(a + b)).toBe(toText(a) + toText(b))
  }
)
