/** What a trigger's schema accepts, in both dialects. */
import { describe, expect, test } from "bun:test"
import { checkOf, draft07 } from "./schemas.ts"

/** A schema, with payloads that fit it and payloads that do not. */
interface Case {
  readonly name: string
  readonly schema: unknown
  readonly good: ReadonlyArray<unknown>
  readonly bad: ReadonlyArray<unknown>
}

const run = (cases: ReadonlyArray<Case>) => {
  for (const { name, schema, good, bad } of cases) {
    test(name, () => {
      const check = checkOf(schema)
      for (const payload of good) expect({ payload, issues: check(payload) }).toEqual({ payload, issues: [] })
      for (const payload of bad) {
        expect({ payload, fits: check(payload).length === 0 }).toEqual({ payload, fits: false })
      }
    })
  }
}

const tree = {
  $id: "https://example.test/tree",
  $dynamicAnchor: "node",
  type: "object",
  properties: { data: true, children: { type: "array", items: { $dynamicRef: "#node" } } }
}

describe("draft 2020-12", () => {
  run([
    { name: "true takes everything", schema: true, good: [null, 1, {}], bad: [] },
    { name: "false takes nothing", schema: false, good: [], bad: [null, {}] },
    { name: "type lists", schema: { type: ["string", "null"] }, good: ["a", null], bad: [1, {}, []] },
    { name: "integer takes 1.0", schema: { type: "integer" }, good: [1, 2.0], bad: [1.5, "1"] },
    {
      name: "const and enum compare objects and arrays by value",
      schema: { properties: { a: { const: { x: [1, { y: 2 }] } }, b: { enum: [{ k: 1 }, [1], null] } } },
      good: [{ a: { x: [1, { y: 2 }] } }, { b: { k: 1 } }, { b: [1] }, { b: null }],
      bad: [{ a: { x: [1, { y: 3 }] } }, { b: { k: 2 } }, { b: [1, 1] }]
    },
    {
      name: "an inherited name does not count as present",
      schema: { required: ["toString", "constructor"] },
      good: [{ toString: 1, constructor: 2 }, "no object"],
      bad: [{}, { toString: 1 }]
    },
    {
      name: "$dynamicRef meets the outermost anchor",
      schema: {
        $id: "https://example.test/strict-tree",
        $dynamicAnchor: "node",
        $ref: "tree",
        unevaluatedProperties: false,
        $defs: { tree }
      },
      good: [{ children: [{ data: 1 }] }],
      bad: [{ children: [{ daat: 1 }] }, { daat: 1 }]
    },
    {
      name: "unevaluatedProperties sees through allOf and if",
      schema: {
        allOf: [{ properties: { a: { type: "number" } } }],
        if: { properties: { kind: { const: "b" } }, required: ["kind"] },
        // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema.
        then: { properties: { b: true } },
        unevaluatedProperties: false
      },
      good: [{ a: 1 }, { kind: "b", b: 1 }],
      bad: [{ c: 1 }, { a: 1, b: 2 }]
    },
    {
      name: "unevaluatedProperties drops what an if that does not hold has seen",
      schema: {
        if: { properties: { k: { const: 1 } } },
        else: { properties: { b: true } },
        unevaluatedProperties: false
      },
      good: [{ k: 1 }, {}],
      bad: [{ k: 2 }, { k: 2, b: 1 }, { k: 1, b: 1 }]
    },
    {
      name: "unevaluatedProperties counts an if alone",
      schema: {
        allOf: [{ properties: { a: true } }],
        if: { properties: { k: true }, required: ["k"] },
        unevaluatedProperties: false
      },
      good: [{ k: 1 }, { a: 1 }, { a: 1, k: 1 }],
      bad: [{ b: 1 }, { a: 1, b: 1 }]
    },
    {
      name: "unevaluatedProperties keeps what was seen before a branch that is not taken",
      schema: {
        $ref: "#/$defs/a",
        dependentSchemas: { k: { properties: { k: true, b: true } } },
        anyOf: [{ properties: { c: true }, required: ["c"] }, true],
        oneOf: [{ required: ["no"] }, { properties: { d: true } }],
        unevaluatedProperties: false,
        $defs: { a: { properties: { a: true, 'q"uote': true } } }
      },
      good: [{ a: 1 }, { 'q"uote': 1 }, { a: 1, k: 1, b: 1 }, { a: 1, c: 1, d: 1 }],
      bad: [{ b: 1 }, { a: 1, b: 1 }, { a: 1, e: 1 }]
    },
    {
      name: "unevaluatedItems after prefixItems in anyOf",
      schema: {
        prefixItems: [{ type: "string" }],
        anyOf: [{ prefixItems: [true, { const: 7 }] }, true],
        unevaluatedItems: false
      },
      good: [["a", 7], ["a"], []],
      bad: [
        ["a", 8],
        ["a", 7, 8],
        [1, 7]
      ]
    },
    {
      name: "prefixItems with items for the rest",
      schema: { prefixItems: [{ type: "string" }, { type: "number" }], items: { type: "boolean" } },
      good: [[], ["a"], ["a", 1, true, false]],
      bad: [[1], ["a", 1, "no"]]
    },
    {
      name: "contains with minContains and maxContains",
      schema: { contains: { type: "number" }, minContains: 2, maxContains: 3 },
      good: [
        [1, 2],
        ["a", 1, 2, 3]
      ],
      bad: [[1], [], [1, 2, 3, 4]]
    },
    {
      name: "minContains 0 always holds",
      schema: { contains: { type: "number" }, minContains: 0 },
      good: [[], ["a"]],
      bad: []
    },
    {
      name: "dependentSchemas and dependentRequired",
      schema: {
        dependentSchemas: { card: { required: ["address"] } },
        dependentRequired: { a: ["b"] }
      },
      good: [{}, { card: 1, address: 2 }, { a: 1, b: 2 }],
      bad: [{ card: 1 }, { a: 1 }]
    },
    {
      name: "if, then, else",
      schema: {
        if: { type: "string" },
        // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema.
        then: { minLength: 2 },
        else: { type: "number", minimum: 3 }
      },
      good: ["ab", 3],
      bad: ["a", 2, null]
    },
    {
      name: "allOf, anyOf, oneOf, not",
      schema: {
        allOf: [{ type: "number" }],
        anyOf: [{ minimum: 10 }, { multipleOf: 2 }],
        oneOf: [{ maximum: 20 }, { multipleOf: 5 }],
        not: { const: 12 }
      },
      good: [11, 2, 25],
      bad: [9, 12, 15, 22, "12"]
    },
    {
      name: "names, counts and patterns of properties",
      schema: {
        propertyNames: { pattern: "^[a-z]+$" },
        patternProperties: { "^n": { type: "number" } },
        additionalProperties: { type: "string" },
        minProperties: 1,
        maxProperties: 2
      },
      good: [{ n: 1 }, { n: 1, a: "x" }],
      bad: [{}, { n: "1" }, { a: 1 }, { A: "x" }, { a: "", b: "", c: "" }]
    },
    {
      name: "lengths count code points",
      schema: { type: "string", minLength: 2, maxLength: 2 },
      good: ["ab", "💩💩"],
      bad: ["💩", "abc"]
    },
    {
      name: "uniqueItems, minItems, maxItems",
      schema: { uniqueItems: true, minItems: 1, maxItems: 2 },
      good: [[1], [{ a: 1 }, { a: 2 }]],
      bad: [[], [{ a: 1 }, { a: 1 }], [1, 2, 3]]
    },
    {
      name: "exclusive bounds and multipleOf",
      schema: { exclusiveMinimum: 0, exclusiveMaximum: 10, multipleOf: 0.5 },
      good: [0.5, 9.5],
      bad: [0, 10, 0.3]
    },
    {
      name: "formats are asserted; an unknown one is a remark",
      schema: {
        properties: {
          at: { format: "date-time" },
          mail: { format: "email" },
          link: { format: "uri" },
          id: { format: "uuid" },
          ip: { format: "ipv4" },
          re: { format: "regex" },
          other: { format: "no-such-format" }
        }
      },
      good: [
        { at: "2026-11-20T10:00:00Z", mail: "a@b.example", link: "https://a.example/x", ip: "127.0.0.1" },
        { id: "3b241101-e2bb-4255-8caf-4136c566a962", re: "^a\\-b$", other: "x" }
      ],
      bad: [
        { at: "2026-13-20T10:00:00Z" },
        { mail: "a" },
        { link: "x y" },
        { ip: "1.2.3" },
        { id: "x" },
        { re: "(" }
      ]
    },
    {
      name: "$ref by pointer, anchor and $id, recursion included",
      schema: {
        $id: "https://example.test/root",
        properties: {
          a: { $ref: "#/$defs/pos~1itive" },
          b: { $ref: "#word" },
          c: { $ref: "inner" },
          d: { $ref: "#" }
        },
        additionalProperties: false,
        $defs: {
          "pos/itive": { minimum: 1 },
          word: { $anchor: "word", type: "string" },
          inner: { $id: "inner", type: "boolean" }
        }
      },
      good: [{ a: 1, b: "x", c: true, d: { d: { a: 2 } } }],
      bad: [{ a: 0 }, { b: 1 }, { c: 1 }, { d: { d: { e: 1 } } }]
    },
    {
      name: "keywords beside $ref hold",
      schema: { $ref: "#/$defs/text", maxLength: 2, $defs: { text: { type: "string" } } },
      good: ["ab"],
      bad: ["abc", 1]
    },
    {
      name: "a schema may refer to its own dialect",
      schema: { $ref: "https://json-schema.org/draft/2020-12/schema" },
      good: [{ type: "string" }],
      bad: [{ type: "strng" }]
    }
  ])
})

describe("draft-07", () => {
  run([
    {
      name: "definitions and items as a list with additionalItems",
      schema: {
        $schema: draft07,
        definitions: { word: { type: "string" } },
        items: [{ $ref: "#/definitions/word" }, { type: "number" }],
        additionalItems: false
      },
      good: [[], ["a", 1]],
      bad: [[1], ["a", 1, 2]]
    },
    {
      name: "keywords beside $ref are ignored",
      schema: {
        $schema: draft07,
        $ref: "#/definitions/text",
        maxLength: 2,
        definitions: { text: { type: "string" } }
      },
      good: ["abc"],
      bad: [1]
    },
    {
      name: "dependencies in both forms",
      schema: { $schema: draft07, dependencies: { a: ["b"], c: { required: ["d"] } } },
      good: [
        { a: 1, b: 1 },
        { c: 1, d: 1 }
      ],
      bad: [{ a: 1 }, { c: 1 }]
    },
    {
      name: "contains, const, if, propertyNames, format",
      schema: {
        $schema: "http://json-schema.org/draft-07/schema",
        if: { type: "array" },
        // biome-ignore lint/suspicious/noThenProperty: `then` is a keyword of JSON Schema.
        then: { contains: { const: { a: 1 } } },
        else: { propertyNames: { format: "date" } }
      },
      good: [[{ a: 1 }, 2], { "2026-11-20": 1 }],
      bad: [[{ a: 2 }], { today: 1 }]
    },
    {
      name: "prefixItems and minContains are not its keywords",
      schema: {
        $schema: draft07,
        prefixItems: [{ type: "string" }],
        contains: { type: "number" },
        minContains: 2
      },
      good: [[1]],
      bad: [["a"]]
    }
  ])
})
