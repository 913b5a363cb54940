import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import type { FeedEntry } from "../../../src/intake/Entry.ts"
import { findProvider, plannedProviders, providerNames } from "../../../src/intake/Providers.ts"
import { github, tagOfReleaseLink } from "../../../src/intake/providers/github.ts"
import { atomFeed, bytes, makeSource, releaseEntry } from "../fixtures.ts"

const release = makeSource()
const push = makeSource({ event: "push" })
const idOf = (tag: string) => `tag:github.com,2008:Repository/4711/${tag}`
const link = (path: string) => `https://forge.example/acme/tool${path}`
const entryWith = (id: string, url?: string): FeedEntry => ({
  id,
  title: "8.14.1",
  ...(url === undefined ? {} : { url }),
  raw: {}
})
const tagOf = (entry: FeedEntry) => {
  const signal = github.toSignal(release, entry)
  return Either.isLeft(signal) ? `skipped: ${signal.left}` : signal.right.ref
}

describe("the table of providers", () => {
  test("finds a provider by its name", () => {
    expect(providerNames).toEqual(["github", "npm"])
    expect(findProvider("github")).toBe(github)
    for (const name of [...plannedProviders, "toString"]) expect(findProvider(name)).toBeUndefined()
  })
})

describe("the tag of a release", () => {
  test("comes from the id, whole, and never from the title", () => {
    expect(tagOf(entryWith(idOf("curl-8_14_1")))).toBe("curl-8_14_1")
    expect(tagOf(entryWith(idOf("release/1.2/rc"), link("/releases/tag/other")))).toBe("release/1.2/rc")
    expect(tagOf(entryWith(idOf("v1%2B2")))).toBe("v1%2B2")
  })

  test("comes from the link where the id names none", () => {
    expect(tagOf(entryWith("urn:x", link("/releases/tag/release/1.2")))).toBe("release/1.2")
    expect(tagOf(entryWith("urn:x", link("/releases/tag/%40acme/tool%401.0%2Bb?x=1#y")))).toBe(
      "@acme/tool@1.0+b"
    )
    expect(tagOfReleaseLink(link("/releases/tag/a%2Fb"))).toBe("a/b")
    expect(tagOfReleaseLink(link("/releases/tag/100%"))).toBeUndefined()
    expect(tagOfReleaseLink(link("/releases"))).toBeUndefined()
    expect(tagOfReleaseLink("nonsense")).toBeUndefined()
  })

  test("is a reason to skip where there is none or git would refuse it", () => {
    expect(tagOf(entryWith("urn:x"))).toContain("skipped: neither its id")
    expect(tagOf(entryWith("urn:x", link("/releases/tag/100%")))).toContain("skipped: neither its id")
    for (const bad of [
      "--upload-pack=x",
      "a..b",
      "a b",
      "a\u0001b",
      "x.lock",
      "/x",
      "x/",
      "a//b",
      "a@{b",
      "~",
      "@",
      ".x",
      "x.",
      "a\\b"
    ]) {
      expect(tagOf(entryWith(idOf(bad)))).toBe(
        `skipped: ${JSON.stringify(bad)} is no name that git gives a tag`
      )
    }
  })

  test("is known for every entry of a feed", () => {
    const feed = atomFeed(releaseEntry("pkg/v2", { title: "Big\n two" }), releaseEntry("v1"))
    const { entries } = Either.getOrThrow(github.parse(release, bytes(feed), { baseUrl: release.url }))
    expect(entries.map(tagOf)).toEqual(["pkg/v2", "v1"])
  })
})

describe("the commit of a push", () => {
  const sha = "c15f093a1bc4211e85f8d1817c9073e307afe5ac"

  test("comes from the id or the link", () => {
    for (const entry of [
      entryWith(`tag:github.com,2008:Grit::Commit/${sha}`),
      entryWith("urn:x", link(`/commit/${sha}`))
    ]) {
      const signal = Either.getOrThrow(github.toSignal(push, entry))
      expect([signal.sha, signal.ref]).toEqual([sha, "refs/heads/main"])
    }
    const { defaultBranch: _branch, ...repo } = push.repo
    const bare = Either.getOrThrow(
      github.toSignal({ ...push, repo }, entryWith(`tag:github.com,2008:Grit::Commit/${sha}`))
    )
    expect(bare).not.toHaveProperty("ref")
  })

  test("is a reason to skip where there is none", () => {
    for (const entry of [entryWith(idOf("v1")), entryWith("urn:x", link("/commit/abc123"))]) {
      expect(Either.isLeft(github.toSignal(push, entry))).toBe(true)
    }
  })
})
