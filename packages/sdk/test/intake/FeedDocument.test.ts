import { describe, expect, test } from "bun:test"
import * as Either from "effect/Either"
import * as FastCheck from "effect/FastCheck"
import { parseFeed } from "../../src/intake/FeedDocument.ts"
import { xmlBytesMax } from "../../src/intake/Xml.ts"
import { atomFeed, bytes, releaseEntry } from "./fixtures.ts"

const baseUrl = "https://mira:hunter2@forge.example/acme/tool/releases.atom"
const parse = (text: string | Uint8Array) =>
  parseFeed({ sourceId: "acme", bytes: typeof text === "string" ? bytes(text) : text, baseUrl })
const read = (text: string | Uint8Array) => Either.getOrThrow(parse(text))
const found = (text: string | Uint8Array): string => {
  const parsed = parse(text)
  return Either.isLeft(parsed) ? parsed.left.found : `${parsed.right.entries.length} entries`
}
/** One entry with an id and these elements, as a feed without a prefix. */
const entryOf = (elements: string, feedAttributes = "") =>
  read(
    `<feed xmlns="http://www.w3.org/2005/Atom" ${feedAttributes}><entry><id>e</id>${elements}</entry></feed>`
  ).entries[0]

describe("Atom", () => {
  test("gives entries in document order with every field", () => {
    const { entries, skipped } = read(atomFeed(releaseEntry("v2"), releaseEntry("v1")))
    expect(skipped).toEqual([])
    expect(entries.map((entry) => entry.id)).toEqual([
      "tag:github.com,2008:Repository/4711/v2",
      "tag:github.com,2008:Repository/4711/v1"
    ])
    expect(entries[0]).toEqual({
      id: "tag:github.com,2008:Repository/4711/v2",
      title: "v2",
      url: "https://forge.example/acme/tool/releases/tag/v2",
      author: "mira",
      publishedAt: "2026-03-01T10:00:00.000Z",
      raw: {
        id: "tag:github.com,2008:Repository/4711/v2",
        title: "v2",
        url: "https://forge.example/acme/tool/releases/tag/v2",
        author: "mira",
        publishedAt: "2026-03-01T10:00:00Z"
      }
    })
  })

  test("knows elements by namespace, whatever the prefix", () => {
    const feed = `<a:feed xmlns:a="http://www.w3.org/2005/Atom" xmlns="urn:other"><title>no</title>
      <entry><id>not atom</id></entry>
      <a:entry><id>not atom</id><a:id>yes</a:id><b:title xmlns:b="http://www.w3.org/2005/Atom">T</b:title></a:entry></a:feed>`
    expect(read(feed).entries.map((entry) => [entry.id, entry.title])).toEqual([["yes", "T"]])
    expect(read("<feed><entry><id>bare</id></entry></feed>").entries[0]?.id).toBe("bare")
  })

  test("prefers the alternate link and never takes self", () => {
    const self = '<link rel="self" href="https://x.example/self"/>'
    const related = '<link rel="related" href="https://x.example/related"/>'
    expect(entryOf(`${self}${related}<link href="https://x.example/plain"/>`)?.url).toBe(
      "https://x.example/plain"
    )
    expect(entryOf(`${self}${related}<link rel="alternate" href="https://x.example/a"/>`)?.url).toBe(
      "https://x.example/a"
    )
    expect(entryOf(`${self}${related}`)?.url).toBe("https://x.example/related")
    expect(entryOf(self)?.url).toBeUndefined()
    expect(entryOf('<link href="javascript:alert(1)"/><link href=""/>')?.url).toBeUndefined()
  })

  test("resolves relative links against xml:base and the address of the feed, without its credentials", () => {
    const link = '<link href="/acme/tool/releases/tag/v1"/>'
    expect(entryOf(link)?.url).toBe("https://forge.example/acme/tool/releases/tag/v1")
    expect(entryOf(link, 'xml:base="https://mirror.example/a/"')?.url).toBe(
      "https://mirror.example/acme/tool/releases/tag/v1"
    )
    expect(entryOf('<link xml:base="sub/" href="tag"/>', 'xml:base="https://mirror.example/a/"')?.url).toBe(
      "https://mirror.example/a/sub/tag"
    )
  })

  test("decodes entities exactly once, and none in CDATA", () => {
    expect(
      entryOf("<title>a &amp;lt;b&amp;gt; &#38;amp; &#x2019;&nbsp;&rsquo;&unknown; &#x110000;&#0;</title>")
        ?.title
    ).toBe("a &lt;b&gt; &amp; ’ ’&unknown; \uFFFD\uFFFD")
    expect(entryOf("<title><![CDATA[<b>&amp;</b>]]> &amp; tail</title>")?.title).toBe("<b>&amp;</b> & tail")
    expect(entryOf('<link href="https://x.example/?a=1&amp;b=2"/>')?.url).toBe("https://x.example/?a=1&b=2")
  })

  test("takes html and xhtml titles as text, on one line", () => {
    expect(entryOf('<title type="html">&lt;b&gt;1 &amp;lt; 2&lt;/b&gt;</title>')?.title).toBe("1 < 2")
    expect(
      entryOf('<title type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml">one <em>two</em></div></title>')
        ?.title
    ).toBe("one two")
    expect(entryOf("<title>\n      fix: a\n  b\n    </title>")?.title).toBe("fix: a b")
    expect(entryOf("<title/>")?.title).toBe("Untitled feed entry")
    expect(entryOf(`<title>${"x".repeat(5000)}</title>`)?.title.length).toBe(1024)
  })

  test("does without a date, takes the other one for a bad one, and skips an entry that has only a bad one", () => {
    expect(entryOf("")?.publishedAt).toBeUndefined()
    expect(entryOf("<updated></updated>")?.publishedAt).toBeUndefined()
    expect(entryOf("<updated>2016-10-19T05:31:45+08:00</updated>")?.publishedAt).toBe(
      "2016-10-18T21:31:45.000Z"
    )
    expect(entryOf("<updated>soon</updated><published>2026-01-01T00:00:00Z</published>")?.publishedAt).toBe(
      "2026-01-01T00:00:00.000Z"
    )
    const { entries, skipped } = read(
      atomFeed(
        releaseEntry("v3"),
        releaseEntry("v2", { updated: "2026-02-30T00:00:00Z" }),
        releaseEntry("v1")
      )
    )
    expect(entries.map((entry) => entry.title)).toEqual(["v3", "v1"])
    expect(skipped).toEqual([
      {
        id: "tag:github.com,2008:Repository/4711/v2",
        index: 1,
        reason: 'its date "2026-02-30T00:00:00Z" cannot be read'
      }
    ])
  })

  test("names an entry without an id by its link, and skips one with neither", () => {
    const { entries, skipped } = read(
      '<feed><entry><link href="/a"/></entry><entry><title>lost</title></entry></feed>'
    )
    expect(entries.map((entry) => entry.id)).toEqual(["https://forge.example/a"])
    expect(skipped).toEqual([{ index: 1, reason: "it has neither an id nor a link" }])
  })

  test("gives an entry without an author the feed's", () => {
    const feed =
      "<feed><author><name>all</name></author><entry><id>1</id></entry><entry><id>2</id><author><name> one </name></author></entry></feed>"
    expect(read(feed).entries.map((entry) => entry.author)).toEqual(["all", "one"])
  })

  test("reads an empty feed as a feed without entries", () => {
    expect(read(atomFeed())).toEqual({ entries: [], skipped: [] })
  })

  test("reads the encodings that feeds come in", () => {
    const latin = Uint8Array.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><feed><entry><id>\u00e9</id></entry></feed>',
      (letter) => letter.charCodeAt(0)
    )
    expect(read(latin).entries[0]?.id).toBe("é")
    expect(read(`\uFEFF${atomFeed(releaseEntry("v1"))}`).entries.length).toBe(1)
    const utf16 = Buffer.from(
      '\uFEFF<?xml version="1.0" encoding="UTF-16"?><feed><entry><id>é</id></entry></feed>',
      "utf16le"
    )
    expect(read(utf16).entries[0]?.id).toBe("é")
    const broken = bytes("<feed><entry><id>a?b</id></entry></feed>")
    broken[broken.indexOf(0x3f)] = 0xff
    expect(read(broken).entries[0]?.id).toBe("a\uFFFDb")
  })
})

describe("RSS 2.0", () => {
  test("gives guid, link, author and date", () => {
    const feed = `<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:atom="http://www.w3.org/2005/Atom"><channel>
      <title>t</title><atom:link href="https://x.example/rss" rel="self"/>
      <item><guid>5: https://x.example/releases/tag/v1</guid><link>https://x.example/releases/tag/v1</link>
        <title>first &amp; best</title><dc:creator>mira</dc:creator><pubDate>Mon, 02 Mar 2026 15:04:05 +0100</pubDate></item>
      <item><guid>https://x.example/2</guid><author>bo</author><atom:link href="https://x.example/no"/></item>
      <item><guid isPermaLink="false">https://x.example/3</guid></item></channel></rss>`
    expect(read(feed).entries.map(({ raw: _raw, ...entry }) => entry)).toEqual([
      {
        id: "5: https://x.example/releases/tag/v1",
        title: "first & best",
        url: "https://x.example/releases/tag/v1",
        author: "mira",
        publishedAt: "2026-03-02T14:04:05.000Z"
      },
      { id: "https://x.example/2", title: "Untitled feed entry", url: "https://x.example/2", author: "bo" },
      { id: "https://x.example/3", title: "Untitled feed entry" }
    ])
  })
})

test("an entry whose id is too long is skipped under the beginning of it", () => {
  const { entries, skipped } = read(
    `<feed><entry><id>${"x".repeat(100_000)}</id></entry><entry><id>e</id></entry></feed>`
  )
  expect(entries.map(({ id }) => id)).toEqual(["e"])
  expect(skipped).toMatchObject([{ index: 0, reason: "its id has 100000 characters, more than 4096" }])
  expect(skipped[0]?.id).toHaveLength(4096)
})

describe("a document that is no feed", () => {
  // Looked through in every combination, 27 of them held the thread for a second.
  test("costs no more for the comments before it", () => {
    const commented = `${"<!---->".repeat(27)}<feed/>`
    for (let time = 0; time < 10; time++) expect(found(commented)).toBe("0 entries")
    expect(found(`${"<!-- a -->\n".repeat(1_000)}<html></html>`)).toBe("an HTML page")
  }, 4_000)

  test("is told for what it is", () => {
    expect(found("")).toBe("an empty body")
    expect(found(" \n")).toBe("an empty body")
    expect(
      found("<!DOCTYPE html><html><head><title>Sign in &amp; go</title></head><body><br></body></html>")
    ).toBe('an HTML page titled "Sign in & go"')
    expect(found("<!-- a --> <!-- b -->\n<html><title>Sign in</title>")).toBe('an HTML page titled "Sign in"')
    expect(found('{"message":"Not Found"}')).toBe("what looks like JSON")
    expect(found("Rate limit exceeded")).toBe('text that begins "Rate limit exceeded"')
    expect(found('<urlset xmlns="urn:map"/>')).toBe(
      'XML whose root element is "urlset" in namespace "urn:map"'
    )
    expect(found(atomFeed(releaseEntry("v1")).slice(0, 700))).toMatch(
      /^XML that is broken or cut off \(line \d+: /
    )
    expect(found("<feed/><feed/>")).toBe("XML with more than one root element")
    expect(found('<?xml version="1.0" encoding="EBCDIC"?><feed/>')).toBe(
      'a document in the encoding "ebcdic"'
    )
  })

  test("names the source in its message", () => {
    const parsed = parse("")
    expect(Either.isLeft(parsed) && parsed.left.message).toBe(
      "Source acme: expected an Atom or RSS document, found an empty body"
    )
  })

  test("is refused when it is too large or too deep", () => {
    expect(found(new Uint8Array(xmlBytesMax + 1))).toContain("more than the 8388608 that are read")
    expect(found(`<feed>${"<entry/>".repeat(600_000)}</feed>`)).toBe("XML of more than 500000 tags")
    expect(found(`<feed>${"<a>".repeat(200)}${"</a>".repeat(200)}</feed>`)).toContain("XML that is refused")
  })

  test("expands nothing that a DOCTYPE declares", () => {
    const laughs = `<!DOCTYPE feed [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><feed><entry><id>i</id><title>&b;</title></entry></feed>`
    expect(read(laughs).entries[0]?.title).toBe("&b;")
    expect(found('<!DOCTYPE feed [<!ENTITY e SYSTEM "file:///etc/hostname">]><feed>&e;</feed>')).toContain(
      "XML that is refused"
    )
    expect(found("<feed><__proto__>x</__proto__></feed>")).toContain("XML that is refused")
  })

  test("whatever is changed in a feed, the answer is a feed or NotAFeed", () => {
    const feed = bytes(atomFeed(releaseEntry("v2"), releaseEntry("v1", { title: "<![CDATA[x]]>" })))
    const edit = FastCheck.record({
      at: FastCheck.nat(feed.length - 1),
      remove: FastCheck.nat(40),
      insert: FastCheck.oneof(
        FastCheck.uint8Array({ maxLength: 8 }),
        FastCheck.constantFrom(
          "<",
          "</entry>",
          "&#xFFFFFFFF;",
          "]]>",
          "<![CDATA[",
          "<!--",
          "<!DOCTYPE x [",
          "xmlns:a=''",
          "<?",
          "\u0000"
        ).map(bytes)
      )
    })
    FastCheck.assert(
      FastCheck.property(FastCheck.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
        let document = [...feed]
        for (const { at, insert, remove } of edits) document = document.toSpliced(at, remove, ...insert)
        const parsed = parse(Uint8Array.from(document))
        if (Either.isLeft(parsed)) expect(parsed.left._tag).toBe("NotAFeed")
        else expect(parsed.right.entries.every((entry) => entry.id !== "")).toBe(true)
      }),
      { numRuns: process.env["TEST_LONG"] === "1" ? 20_000 : 1_000, seed: 20_261 }
    )
  }, 120_000)
})
