/** Documents and sources written for these tests, in the formats that the forges document. */

import * as Either from "effect/Either"
import type { Source } from "../../src/intake/Source.ts"
import { decodeSourcesFile } from "../../src/intake/SourcesFile.ts"

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A complete, correct source as it stands in a file. */
export const plainSource = {
  id: "acme-releases",
  provider: "github",
  url: "https://forge.example/acme/tool/releases.atom",
  event: "release",
  repo: {
    owner: "acme",
    name: "tool",
    fullName: "acme/tool",
    webUrl: "https://forge.example/acme/tool",
    defaultBranch: "main"
  },
  target: { mode: "workspace_flow", eventType: "upstream.release" }
}

/** The source that the file decodes to, with these fields changed. */
export const makeSource = (changes: object = {}): Source => {
  const file = Either.getOrThrow(
    decodeSourcesFile(JSON.stringify({ sources: [{ ...plainSource, ...changes }] }))
  )
  const [source] = file.sources
  if (source === undefined) throw new Error(file.broken.map((broken) => broken.message).join("\n"))
  return source
}

export const npmRepo = {
  owner: "acme",
  name: "widget",
  fullName: "@acme/widget",
  webUrl: "https://packages.example/@acme/widget"
}

export const makeNpmSource = (): Source =>
  makeSource({ id: "widget", provider: "npm", url: "https://registry.example/@acme%2Fwidget", repo: npmRepo })

/** A release entry as GitHub writes one. */
export const releaseEntry = (
  tag: string,
  options: { title?: string; updated?: string; id?: string } = {}
): string => `
  <entry>
    <id>${options.id ?? `tag:github.com,2008:Repository/4711/${tag}`}</id>
    <updated>${options.updated ?? "2026-03-01T10:00:00Z"}</updated>
    <link rel="alternate" type="text/html" href="https://forge.example/acme/tool/releases/tag/${tag.split("/").map(encodeURIComponent).join("/")}"/>
    <title>${options.title ?? tag}</title>
    <content type="html">&lt;p&gt;Notes &amp;amp; more&lt;/p&gt;</content>
    <author><name>mira</name></author>
    <media:thumbnail height="30" width="30" url="https://images.example/u/1?s=60&amp;v=4"/>
  </entry>`

/** A feed as GitHub writes one, the newest entry first. */
export const atomFeed = (...entries: ReadonlyArray<string>): string => `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/" xml:lang="en-US">
  <id>tag:github.com,2008:https://forge.example/acme/tool/releases</id>
  <link type="text/html" rel="alternate" href="https://forge.example/acme/tool/releases"/>
  <link type="application/atom+xml" rel="self" href="https://forge.example/acme/tool/releases.atom"/>
  <title>Release notes from tool</title>
  <updated>2026-03-01T10:00:00Z</updated>${entries.join("")}
</feed>
`

/** A full package document: three versions, one of them unpublished again. */
export const packageDocument = {
  _id: "@acme/widget",
  name: "@acme/widget",
  "dist-tags": { latest: "1.1.0" },
  versions: {
    "1.0.0": { name: "@acme/widget", version: "1.0.0" },
    "1.1.0": { name: "@acme/widget", version: "1.1.0", gitHead: "0123456789abcdef0123456789abcdef01234567" }
  },
  time: {
    created: "2026-01-01T00:00:00.000Z",
    modified: "2026-02-03T00:00:00.000Z",
    "1.0.0": "2026-01-01T00:00:00.000Z",
    "1.0.1": "2026-01-15T00:00:00.000Z",
    "1.1.0": "2026-02-01T12:00:00.000Z"
  }
}
