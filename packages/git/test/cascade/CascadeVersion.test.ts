import { describe, expect, test } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import {
  CascadeVersion,
  compareVersions,
  contentOf,
  parseVersion,
  readVersionFile,
  versionLengthMax
} from "../../src/cascade/CascadeVersion.ts"

describe("a version", () => {
  test.each(["1.2.3", "v1.2.3", "2026.11.21", "1.0.0-rc.1+build.5", "0~git1", "a".repeat(versionLengthMax)])(
    "%s is accepted as it is",
    (version) => expect(Either.getOrNull(parseVersion(version)) as string | null).toBe(version)
  )

  test.each([
    ["", /empty/],
    ["-1.2.3", /dash/],
    ["--upload-pack=x", /dash/],
    ["1.2.3\n", /line break/],
    ["1 2", /space/],
    ["1.2.3\u0000", /control/],
    ["1/2", /letters, digits/],
    ["$(id)", /must begin/],
    [".1", /must begin/],
    ["1".repeat(versionLengthMax + 1), /longer/]
  ])("%j is refused, with the reason", (version, reason) => {
    const refused = Either.flip(parseVersion(version))
    expect(Either.getOrThrow(refused).message).toMatch(reason)
  })

  test("a file holds one line, the bare version and a newline", () => {
    expect(new TextDecoder().decode(contentOf("1.2.3"))).toBe("1.2.3\n")
    const read = (text: string) => readVersionFile(new TextEncoder().encode(text)) as string | null
    expect(read("1.2.3\n")).toBe("1.2.3")
    // People's editors.
    expect(read("  1.2.3\r\n\n")).toBe("1.2.3")
    for (const text of ["", "\n", "1.2.3\n1.2.4\n", "version: 1", "1.2.3 # pinned", " ".repeat(5_000)]) {
      expect(read(text)).toBeNull()
    }
  })
})

describe("which version is newer", () => {
  test.each([
    ["1.0.0", "2.0.0", -1],
    ["1.2", "1.2.0", 0],
    ["1.10.0", "1.9.0", 1],
    ["v1.2.3", "1.2.3", 0],
    ["tool-v1.2.3", "tool-v1.3.0", -1],
    ["1.0.0-alpha", "1.0.0", -1],
    ["1.0.0-alpha", "1.0.0-alpha.1", -1],
    ["1.0.0-alpha.1", "1.0.0-alpha.beta", -1],
    ["1.0.0-beta.2", "1.0.0-beta.11", -1],
    ["1.0.0-rc.1", "1.0.0", -1],
    ["1.0.0+a", "1.0.0+b", 0],
    ["2026.11.21", "2026.2.1", 1],
    ["20261121000000000000000001", "20261121000000000000000002", -1],
    ["latest", "1.0.0", null],
    ["tool-1.0.0", "other-1.0.0", null],
    ["3f2a9c", "9b1f00", null]
  ] as const)("%s and %s: %p", (one, other, expected) => {
    expect(compareVersions(one, other)).toBe(expected)
    const turned = compareVersions(other, one)
    expect(turned === null ? null : turned + (expected ?? 0)).toBe(expected === null ? null : 0)
  })

  const versions = Schema.Tuple(CascadeVersion, CascadeVersion, CascadeVersion)
  it.prop("the order is total where there is one", versions, ([a, b, c]) => {
    expect(compareVersions(a, a) ?? 0).toBe(0)
    if (compareVersions(a, b) === -1 && compareVersions(b, c) === -1) expect(compareVersions(a, c)).toBe(-1)
  })

  test("a long version of one kind of sign is compared at once", () => {
    const begin = performance.now()
    for (const sign of ["a", "-", "_", "a-", "1", "1.", "~"]) compareVersions(sign.repeat(128), "1.0.0")
    expect(performance.now() - begin).toBeLessThan(100)
  })
})
