import { describe, expect, test } from "bun:test"
import { FlowEvent } from "@patchmoi/core/event/FlowEvent"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { FeedEntry } from "../../src/intake/Entry.ts"
import { github } from "../../src/intake/providers/github.ts"
import { npm } from "../../src/intake/providers/npm.ts"
import { FeedSignal, makePatchEventId, toFlowEvent } from "../../src/intake/Signal.ts"
import type { Source } from "../../src/intake/Source.ts"
import { atomFeed, bytes, makeNpmSource, makeSource, packageDocument, releaseEntry } from "./fixtures.ts"

const now = "2026-03-02T00:00:00.000Z"

const entry: FeedEntry = {
  id: "tag:github.com,2008:Repository/4711/v1.0",
  title: "The first",
  url: "https://forge.example/acme/tool/releases/tag/v1.0",
  author: "mira",
  publishedAt: "2026-03-01T10:00:00.000Z",
  raw: {
    id: "tag:github.com,2008:Repository/4711/v1.0",
    title: " The first",
    publishedAt: "2026-03-01T10:00:00Z"
  }
}

const signalOf = (source: Source, from: FeedEntry = entry) => Either.getOrThrow(github.toSignal(source, from))
const eventOf = (source: Source, from: FeedEntry = entry) =>
  Option.getOrThrow(toFlowEvent(source, signalOf(source, from), { now }))

describe("a signal", () => {
  test("has the fields of the published interface and survives JSON", () => {
    const source = makeSource({
      target: { mode: "notify_only", provider: "github", repoFullName: "us/tool", branch: "main" }
    })
    const signal = signalOf(source)
    expect<unknown>(signal).toEqual({
      sourceId: "acme-releases",
      provider: "github",
      event: "release",
      entryId: entry.id,
      title: "The first",
      url: entry.url,
      author: "mira",
      publishedAt: "2026-03-01T10:00:00.000Z",
      repo: source.repo,
      ref: "v1.0",
      target: source.target,
      raw: entry.raw
    })
    const line = JSON.stringify(Schema.encodeSync(FeedSignal)(signal))
    expect(Schema.decodeUnknownSync(FeedSignal)(JSON.parse(line))).toEqual(signal)
  })

  test("leaves out what upstream did not say", () => {
    const signal = signalOf(makeSource(), { id: entry.id, title: "t", raw: {} })
    expect(Object.keys(signal).toSorted()).toEqual(
      ["entryId", "event", "provider", "raw", "ref", "repo", "sourceId", "target", "title"].toSorted()
    )
  })

  test("carries no credentials of its target", () => {
    const target = {
      mode: "workspace_flow",
      eventType: "t",
      workspaceUrl: "https://me:hunter2@backend.example/"
    }
    const source = makeSource({ target })
    expect(JSON.stringify(signalOf(source))).not.toContain("hunter2")
    expect(JSON.stringify(eventOf(source))).not.toContain("hunter2")
  })

  it.prop(
    "is given back by its own JSON",
    FeedSignal,
    (signal) => {
      const text = JSON.stringify(Schema.encodeSync(FeedSignal)(signal))
      expect(
        JSON.stringify(Schema.encodeSync(FeedSignal)(Schema.decodeUnknownSync(FeedSignal)(JSON.parse(text))))
      ).toBe(text)
    },
    { runs: 50 }
  )
})

describe("the flow event of a signal", () => {
  test("of a release has the id, the times and the payload of the published interface", () => {
    const event = eventOf(makeSource())
    expect(Schema.is(FlowEvent)(event)).toBe(true)
    expect<unknown>(event).toEqual({
      id: "patch:acme-releases:tag:github.com,2008:Repository/4711/v1.0:upstream.release",
      type: "upstream.release",
      source: "patch",
      occurredAt: "2026-03-01T10:00:00.000Z",
      receivedAt: now,
      payload: {
        provider: "github",
        event: "release",
        sourceId: "acme-releases",
        entryId: entry.id,
        title: "The first",
        url: entry.url,
        author: "mira",
        publishedAt: "2026-03-01T10:00:00.000Z",
        repo: "acme/tool",
        repoOwner: "acme",
        repoName: "tool",
        ref: "v1.0",
        tag: "v1.0",
        raw: entry.raw
      }
    })
  })

  test("of a push has ref and sha and no tag", () => {
    const sha = "a".repeat(40)
    const event = eventOf(makeSource({ event: "push" }), {
      ...entry,
      id: `tag:github.com,2008:Grit::Commit/${sha}`
    })
    expect(event.payload).toMatchObject({ ref: "refs/heads/main", sha })
    expect(event.payload).not.toHaveProperty("tag")
  })

  test("of a package has its name and version", () => {
    const source = makeNpmSource()
    const parsed = Either.getOrThrow(
      npm.parse(source, bytes(JSON.stringify(packageDocument)), { baseUrl: source.url })
    )
    const [newest] = parsed.entries
    if (newest === undefined) throw new Error("no entry")
    const signal = Either.getOrThrow(npm.toSignal(source, newest))
    const event = Option.getOrThrow(toFlowEvent(source, signal, { now }))
    expect(String(event.id)).toBe("patch:widget:npm:@acme/widget:1.1.0:upstream.release")
    expect(event.payload).toMatchObject({
      packageName: "@acme/widget",
      version: "1.1.0",
      tag: "1.1.0",
      ref: "1.1.0",
      sha: "0123456789abcdef0123456789abcdef01234567",
      author: "npm"
    })
  })

  test("takes the target's payload over its own, last", () => {
    const target = {
      mode: "flow_dispatch",
      eventType: "x",
      payload: { title: "ours", team: { name: "core" } }
    }
    expect(eventOf(makeSource({ target })).payload).toMatchObject({
      title: "ours",
      team: { name: "core" },
      ref: "v1.0"
    })
  })

  test("is none for a fork target and for no target", () => {
    const fork = makeSource({
      target: { mode: "fork_sync", provider: "github", repoFullName: "us/tool", branch: "main" }
    })
    expect(Option.isNone(toFlowEvent(fork, signalOf(fork), { now }))).toBe(true)
    const bare = makeSource({ target: undefined })
    expect(Option.isNone(toFlowEvent(bare, signalOf(bare), { now }))).toBe(true)
  })

  test("is the same from the same document, read twice", () => {
    const source = makeSource()
    const readOnce = () => {
      const { entries } = Either.getOrThrow(
        github.parse(source, bytes(atomFeed(releaseEntry("v1.0"))), { baseUrl: source.url })
      )
      return entries.map((each) => eventOf(source, each))
    }
    expect(readOnce()).toEqual(readOnce())
  })
})

describe("the id of an event", () => {
  test("is shortened to 512 characters by one rule, and stays apart from its neighbours", () => {
    const long = "x".repeat(600)
    const id = makePatchEventId("s", long, "t")
    expect(id.length).toBe(512)
    expect(id.slice(0, 479)).toBe(`patch:s:${long}`.slice(0, 479))
    expect(id.slice(479)).toMatch(/^:[0-9a-f]{32}$/)
    expect(makePatchEventId("s", long, "t")).toBe(id)
    expect(makePatchEventId("s", `${long}y`, "t")).not.toBe(id)
    expect(makePatchEventId("s", long, "t2")).not.toBe(id)
    const exact = "x".repeat(512 - "patch:s::t".length)
    expect(String(makePatchEventId("s", exact, "t"))).toBe(`patch:s:${exact}:t`)
  })

  test("has no control characters and no half characters", () => {
    expect(String(makePatchEventId("s", "a\nb", "t"))).toMatch(/^patch:s:a-b:t:[0-9a-f]{32}$/)
    for (const length of [469, 470, 471, 472]) {
      const id = makePatchEventId("s", `${"x".repeat(length)}${"😀".repeat(100)}`, "t")
      expect(id.isWellFormed()).toBe(true)
      expect(id.length).toBe(512)
    }
  })
})
