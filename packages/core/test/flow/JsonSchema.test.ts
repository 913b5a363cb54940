/** What is told of a payload that does not fit a trigger's schema, and how a schema that cannot be used is refused. */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { compileSchema, payloadIssuesMax, SchemaInvalid, schemaBytesMax } from "../../src/flow/JsonSchema.ts"
import { checkOf, compiler, draft07, refusalOf } from "./schemas.ts"

describe("issues", () => {
  test("carry RFC 6901 pointers, the keyword and a message that names the values", () => {
    const check = checkOf({
      type: "object",
      required: ["tag"],
      additionalProperties: false,
      properties: { tag: true, "a/b~c": { enum: ["x", "y"] }, list: { items: { type: "number" } } }
    })
    expect(check({ "a/b~c": "z", list: [1, "2"], extra: 1 })).toEqual([
      { pointer: "", keyword: "required", message: 'must have the property "tag"' },
      { pointer: "", keyword: "additionalProperties", message: 'must not have the property "extra"' },
      { pointer: "/a~1b~0c", keyword: "enum", message: 'must be one of ["x","y"]' },
      { pointer: "/list/1", keyword: "type", message: "must be number" }
    ])
  })

  test("are bounded, and the last one says how many are left out", () => {
    const issues = checkOf({ items: { type: "string" } })(
      Array.from({ length: payloadIssuesMax + 5 }, () => 1)
    )
    expect(issues.length).toBe(payloadIssuesMax + 1)
    expect(issues.at(-1)).toEqual({ pointer: "", keyword: "maxIssues", message: "has 5 further issues" })
  })

  test("a payload too deep for the stack is an issue, not a crash", () => {
    let payload: unknown = 1
    for (let depth = 0; depth < 200_000; depth++) payload = [payload]
    const issues = checkOf({ $id: "https://example.test/deep", items: { $ref: "#" } })(payload)
    expect(issues).toEqual([{ pointer: "", keyword: "$ref", message: "is nested too deep to be checked" }])
  })
})

describe("a schema that cannot be used", () => {
  test("is a SchemaInvalid in the error channel", async () => {
    const error = await Effect.runPromise(Effect.flip(compileSchema("{")))
    expect(error).toBeInstanceOf(SchemaInvalid)
    expect(error._tag).toBe("SchemaInvalid")
    expect(error.message).toStartWith("The JSON Schema is not JSON: ")
  })

  test.each([
    ["no object", "[]", "", "must be an object or a boolean"],
    ["too large", " ".repeat(schemaBytesMax + 1), "", `is larger than ${schemaBytesMax} bytes`],
    ["asynchronous", { $async: true }, "/$async", "asks for asynchronous validation"],
    ["a misspelt type", { properties: { a: { type: "strng" } } }, "/properties/a/type", "must be"],
    ["a bad bound", { $schema: draft07, minLength: -1 }, "/minLength", "must be >= 0"],
    [
      "an invalid pattern",
      { properties: { a: { pattern: "(" } } },
      "/properties/a/pattern",
      "is not a regular expression"
    ],
    ["a backreference", { items: { pattern: "^(a)\\1$" } }, "/items/pattern", "uses a backreference"],
    ["a lookbehind", { pattern: "(?<=a)b" }, "/pattern", "uses lookbehind"],
    [
      "a local reference to nothing",
      { properties: { a: { $ref: "#/$defs/no" } } },
      "/properties/a/$ref",
      '"#/$defs/no"'
    ],
    [
      "another file",
      { items: { $ref: "./other.json#/x" } },
      "/items/$ref",
      '"./other.json#/x", which is not in this file'
    ],
    ["a remote schema", { $ref: "https://example.test/r.json" }, "/$ref", '"https://example.test/r.json"'],
    [
      "another file under an $id",
      { $id: "https://example.test/a/b.json", items: { $ref: "../c.json" } },
      "/items/$ref",
      "schemas are never fetched"
    ],
    [
      "draft-04",
      { $schema: "http://json-schema.org/draft-04/schema#" },
      "/$schema",
      "supported are https://json-schema.org/draft/2020-12/schema and http://json-schema.org/draft-07/schema"
    ],
    [
      "unevaluatedItems with contains",
      { allOf: [{ contains: { const: 1 } }], unevaluatedItems: false },
      "/unevaluatedItems",
      "stands with contains (/allOf/0/contains)"
    ],
    ["a $schema that is no text", { $schema: 7 }, "/$schema", "names 7"]
  ])("%s", (_, schema, pointer, reason) => {
    const error = refusalOf(schema)
    expect(error.pointer).toBe(pointer)
    expect(error.reason).toContain(reason)
  })

  test("nested too deep is refused, not a crash", () => {
    const text = `${'{"not":'.repeat(50_000)}true${"}".repeat(50_000)}`
    expect(refusalOf(text).reason).toStartWith("nests objects and arrays deeper")
  })
})

describe("schemas apart", () => {
  test("equal $ids do not meet, in any order", () => {
    const $id = "https://example.test/same"
    const numbers = checkOf({
      $id,
      type: "number",
      $defs: { x: { $id: "https://example.test/inner", const: 1 } }
    })
    const words = checkOf({
      $id,
      type: "string",
      $defs: { x: { $id: "https://example.test/inner", const: 2 } }
    })
    expect([numbers(1).length, numbers("a").length, words(1).length, words("a").length]).toEqual([0, 1, 1, 0])
  })

  test("one schema cannot refer to another", () => {
    checkOf({ $id: "https://example.test/first", type: "number" })
    expect(refusalOf({ $ref: "https://example.test/first" }).pointer).toBe("/$ref")
  })

  test("a schema that takes the name of a dialect breaks nothing", () => {
    for (const $id of ["https://json-schema.org/draft/2020-12/schema", draft07]) {
      compiler.compile(JSON.stringify({ $id, not: true }))
    }
    expect(checkOf({ type: "string" })("a")).toEqual([])
    expect(checkOf({ $schema: draft07, type: "string" })("a")).toEqual([])
    expect(refusalOf({ type: "strng" }).pointer).toBe("/type")
  })

  test("a check may be used again after a misfit", () => {
    const check = checkOf({ type: "string" })
    expect([check(1).length, check("a").length, check(2).length]).toEqual([1, 0, 1])
  })
})

describe("patterns that are slow in a backtracking engine", () => {
  test.each(["^(a+)+$", "^(a|a)*$", "^(a|aa)+$", "^(?:a?){50}a{50}$", "^(.*a){20}$", "^(?=(a+)+$).*$"])(
    "%s answers within a second on a long text",
    (pattern) => {
      const check = checkOf({ pattern })
      const start = performance.now()
      check(`${"a".repeat(5_000)}!`)
      expect(performance.now() - start).toBeLessThan(1_000)
    }
  )

  test("a text that no pattern may see does not fit, and says why", () => {
    const [issue] = checkOf({ patternProperties: { "a+": true } })({ ["a".repeat(70_000)]: 1 })
    expect(issue?.keyword).toBe("pattern")
    expect(issue?.message).toContain("is longer than 65536 characters")
  })

  test("no format takes long on a long text", () => {
    const names = [
      "email",
      "hostname",
      "uri",
      "uri-reference",
      "uri-template",
      "url",
      "ipv6",
      "date-time",
      "regex",
      "json-pointer"
    ]
    for (const format of names) {
      const check = checkOf({ format })
      for (const piece of ["a", "a.", "a-", "/", "1:", "{a", "(", "%41"]) {
        const start = performance.now()
        check(`${piece.repeat(8_000 / piece.length)} `)
        check(`${piece.repeat(100_000)} `)
        const tookMillis = performance.now() - start
        expect({ format, piece, quick: tookMillis < 1_000 }).toEqual({ format, piece, quick: true })
      }
    }
  })
})
