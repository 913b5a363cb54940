/** Documents captured from forges, read in place where they lie beside the project; they are not part of it. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Either from "effect/Either"
import { parseFeed } from "../../src/intake/FeedDocument.ts"
import { github } from "../../src/intake/providers/github.ts"
import { npm } from "../../src/intake/providers/npm.ts"
import type { Source } from "../../src/intake/Source.ts"
import { makeNpmSource, makeSource } from "./fixtures.ts"

const folder = join(import.meta.dir, "../../../../../shared/feeds")
const read = (name: string): Uint8Array => readFileSync(join(folder, name))

const signalsOf = (source: Source, name: string) => {
  const { entries, skipped } = Either.getOrThrow(github.parse(source, read(name), { baseUrl: source.url }))
  expect(skipped).toEqual([])
  return entries.map((entry) => Either.getOrThrow(github.toSignal(source, entry)))
}

if (existsSync(folder)) {
  describe("captured documents", () => {
    test("tags come from the id where titles are release names", () => {
      const signals = signalsOf(makeSource(), "github-tags.curl.atom")
      expect(signals.map((signal) => [signal.ref, signal.title])).toEqual([
        ["rc-8_15_0-2", "rc-8_15_0-2"],
        ["rc-8_15_0-1", "rc-8_15_0-1"],
        ["curl-8_14_1", "8.14.1"]
      ])
      expect(signals[0]?.url).toBe("https://github.com/curl/curl/releases/tag/rc-8_15_0-2")
    })

    test("releases with offsets in their dates and unbalanced markup in their notes", () => {
      const [shuttle] = signalsOf(makeSource(), "github-releases.fitztrev-shuttle.atom")
      expect([shuttle?.ref, shuttle?.publishedAt, shuttle?.author]).toEqual([
        "v1.2.0",
        "2013-12-02T17:33:50.000Z",
        "fitztrev"
      ])
      const filters = signalsOf(makeSource(), "github-releases.neversink-filter.atom")
      expect(filters.map((signal) => signal.ref)).toEqual(["7.8.2", "7.8.1"])
      expect(filters[0]?.title).toStartWith("NeverSink's itemfilter - version 7.8.2")
    })

    test("commits give the sha and a title on one line", () => {
      const [commit] = signalsOf(makeSource({ event: "push" }), "github-commits.rss-to-issues-main.atom")
      expect([commit?.sha, commit?.title]).toEqual([
        "394ee852b18c5e3bca536b585cbb95d32ce77057",
        "ci(release-tags): use newer versions of Actions"
      ])
    })

    test("entries with empty dates are entries without dates", () => {
      const { entries, skipped } = Either.getOrThrow(
        parseFeed({
          sourceId: "forgejo",
          bytes: read("forgejo-releases.test-expected.atom"),
          baseUrl: "https://forge.example/"
        })
      )
      expect(skipped).toEqual([])
      expect(entries.map((entry) => [entry.id, entry.publishedAt])).toEqual([
        ["5: http://localhost/user2/repo1/releases/tag/v1.0", undefined],
        ["1: http://localhost/user2/repo1/releases/tag/v1.1", undefined]
      ])
    })

    test("package documents, full and abbreviated", () => {
      const source = makeNpmSource()
      const versions = ["full", "corgi"].map((kind) =>
        Either.getOrThrow(
          npm.parse(source, read(`npm-packument-${kind}.tiny-tarball.json`), { baseUrl: source.url })
        )
      )
      expect(versions.map(({ entries }) => entries.map((entry) => [entry.id, entry.publishedAt]))).toEqual([
        [["npm:tiny-tarball:1.0.0", "2015-03-24T00:12:24.039Z"]],
        [["npm:tiny-tarball:1.0.0", undefined]]
      ])
    })
  })
} else {
  console.log("The captured documents are not beside this checkout; their tests are left out")
}
