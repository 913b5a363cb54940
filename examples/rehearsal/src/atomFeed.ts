/** A forge's page of releases, as an Atom feed on loopback. */

/** A release in the feed. */
export interface Release {
  readonly tag: string
  /** ISO 8601. */
  readonly updated: string
}

/** The feed, while it is served. */
export interface AtomFeed extends AsyncDisposable {
  readonly url: string
  readonly publish: (release: Release) => void
}

/** Serves the feed of a repository on a free port of this machine. */
export const serveAtomFeed = (repository: string): AtomFeed => {
  const releases: Array<Release> = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    routes: {
      "/releases.atom": () =>
        new Response(render(repository, releases), {
          headers: { "content-type": "application/atom+xml; charset=utf-8" }
        })
    },
    fetch: () => new Response("not found", { status: 404 })
  })
  return {
    url: `http://127.0.0.1:${server.port}/releases.atom`,
    publish: (release) => releases.unshift(release),
    [Symbol.asyncDispose]: () => server.stop(true)
  }
}

// --- internal ---

const render = (
  repository: string,
  releases: ReadonlyArray<Release>
): string => `<?xml version="1.0" encoding="UTF-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en-US">
  <id>tag:github.com,2008:https://github.com/${repository}/releases</id>
  <title>Release notes from ${repository}</title>
  <updated>${releases[0]?.updated ?? "2026-01-01T00:00:00Z"}</updated>
${releases.map((release) => entry(repository, release)).join("\n")}
</feed>
`

const entry = (repository: string, { tag, updated }: Release): string => `  <entry>
    <id>tag:github.com,2008:Repository/1/${tag}</id>
    <updated>${updated}</updated>
    <link rel="alternate" type="text/html" href="https://github.com/${repository}/releases/tag/${tag}"/>
    <title>Release ${tag}</title>
    <content></content>
    <author><name>upstream</name></author>
  </entry>`
