import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { entryIdLengthMax } from "../../../src/intake/Entry.ts"
import { npm, npmDocumentUrl } from "../../../src/intake/providers/npm.ts"
import { selectNew } from "../../../src/intake/SelectNew.ts"
import { bytes, makeNpmSource, packageDocument } from "../fixtures.ts"

const source = makeNpmSource()
const parseText = (text: string) => npm.parse(source, bytes(text), { baseUrl: source.url })
const read = (document: unknown) => Either.getOrThrow(parseText(JSON.stringify(document)))
const found = (text: string) => {
  const parsed = parseText(text)
  return Either.isLeft(parsed) ? parsed.left.found : "a document"
}
const oldestFirst = (document: unknown) =>
  selectNew(new Set(), read(document).entries, { primed: true }).emit.map((entry) => entry.id)

describe("a package document", () => {
  test("gives the versions that still exist, the newest first", () => {
    const { entries, skipped } = read(packageDocument)
    expect(skipped).toEqual([])
    expect(entries.map((entry) => [entry.id, entry.publishedAt])).toEqual([
      ["npm:@acme/widget:1.1.0", "2026-02-01T12:00:00.000Z"],
      ["npm:@acme/widget:1.0.0", "2026-01-01T00:00:00.000Z"]
    ])
    expect(entries[0]).toMatchObject({
      title: "1.1.0",
      author: "npm",
      url: "https://packages.example/@acme/widget",
      raw: { publishedAt: "2026-02-01T12:00:00.000Z", gitHead: "0123456789abcdef0123456789abcdef01234567" }
    })
    expect(oldestFirst(packageDocument)).toEqual(["npm:@acme/widget:1.0.0", "npm:@acme/widget:1.1.0"])
  })

  test("orders by date, not by version or place", () => {
    const document = {
      name: "w",
      versions: { "2.0.0": {}, "1.0.0": {}, "1.9.0": {} },
      time: {
        "1.9.0": "2026-03-01T00:00:00Z",
        "2.0.0": "2026-02-01T00:00:00Z",
        "1.0.0": "2026-01-01T00:00:00Z"
      }
    }
    expect(oldestFirst(document)).toEqual(["npm:w:1.0.0", "npm:w:2.0.0", "npm:w:1.9.0"])
  })

  test("without times gives versions without dates, in the order of the document", () => {
    const { time: _time, ...abbreviated } = packageDocument
    expect(read(abbreviated).entries.map((entry) => entry.publishedAt)).toEqual([undefined, undefined])
    expect(oldestFirst(abbreviated)).toEqual(["npm:@acme/widget:1.0.0", "npm:@acme/widget:1.1.0"])
  })

  test("keeps ids within their bound, whatever the document says", () => {
    const { skipped } = read({ ...packageDocument, versions: { ["9".repeat(1_000_000)]: {} } })
    expect(skipped[0]?.id).toHaveLength(entryIdLengthMax)
    expect(found(JSON.stringify({ ...packageDocument, name: "x".repeat(1_025) }))).toBe(
      "a package whose name has 1025 characters"
    )
  })

  test("skips a version with a bad date or name and goes on", () => {
    const { entries, skipped } = read({
      ...packageDocument,
      versions: { ...packageDocument.versions, "1.2.0": {}, "1.3.0": {}, "../up": {} },
      time: { ...packageDocument.time, "1.2.0": "yesterday", "1.3.0": 5 }
    })
    expect(entries.length).toBe(2)
    expect(skipped).toEqual([
      { id: "npm:@acme/widget:1.2.0", index: 2, reason: 'its date "yesterday" cannot be read' },
      { id: "npm:@acme/widget:1.3.0", index: 3, reason: "its date is not a text" },
      { id: "npm:@acme/widget:../up", index: 4, reason: '"../up" is no version of a package' }
    ])
  })

  test("of an unpublished package has no entries and says so", () => {
    const unpublished = { name: "gone", versions: ["1.0.0"], time: "2026-01-02T00:00:00.000Z" }
    expect(
      read({ _id: "gone", name: "gone", time: { created: "2026-01-01T00:00:00.000Z", unpublished } })
    ).toEqual({
      entries: [],
      skipped: [{ index: 0, reason: 'the package "gone" was unpublished at "2026-01-02T00:00:00.000Z"' }]
    })
    const partly = { ...packageDocument, time: { ...packageDocument.time, unpublished } }
    expect(read(partly).entries.length).toBe(2)
  })

  test("gives a sha only where gitHead is a commit", () => {
    const shas = ["HEAD", "0123456789ABCDEF", "f".repeat(40), undefined].map((gitHead) => {
      const [entry] = read({ name: "w", versions: { "1.0.0": { gitHead } } }).entries
      if (entry === undefined) throw new Error("no entry")
      return Either.getOrThrow(npm.toSignal(source, entry)).sha
    })
    expect(shas).toEqual([undefined, undefined, "f".repeat(40), undefined])
  })

  test("that is none is told for what it is", () => {
    expect(found("")).toBe("an empty body")
    expect(found("<html>")).toBe("markup: a page or a feed, not JSON")
    expect(found('{"error":"not_found"}')).toBe('a JSON object without versions: "not_found"')
    expect(found('{"versions":[]}')).toBe("a JSON object without versions")
    expect(found("[]")).toBe("JSON that is no object")
    expect(found('{"versions":{"1.0.0"')).toBe(
      'JSON that is broken or cut off (line 1, column 21: expected ":", found the end of the text)'
    )
  })

  test("of any shape is read or refused, and never throws", () => {
    const part = FastCheck.oneof(
      FastCheck.jsonValue(),
      FastCheck.dictionary(FastCheck.string(), FastCheck.jsonValue())
    )
    FastCheck.assert(
      FastCheck.property(part, part, part, (name, versions, time) => {
        const parsed = parseText(JSON.stringify({ name, versions, time }))
        if (Either.isLeft(parsed)) expect(parsed.left._tag).toBe("NotAFeed")
      }),
      { numRuns: 300, seed: 7 }
    )
  })
})

test("the address of a document escapes the slash of a scope", () => {
  expect(npmDocumentUrl("https://registry.example/npm/", "@acme/widget")).toBe(
    "https://registry.example/npm/@acme%2Fwidget"
  )
  expect(npmDocumentUrl("https://registry.example", "widget")).toBe("https://registry.example/widget")
})
