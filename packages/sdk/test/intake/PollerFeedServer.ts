/**
 * A forge on loopback with knobs: feeds whose entries are published, edited, deleted and reordered, and answers that are
 * late, broken or refused. It sends ETags and answers 304 like the real ones.
 */
import { createHash } from "node:crypto"
import { atomFeed, releaseEntry } from "./fixtures.ts"

/** A release as the forge knows it. */
export interface Release {
  readonly tag: string
  readonly title?: string
  /** ISO 8601. Default: one minute after the release before. */
  readonly updated?: string
  /** Text in place of the entry, for entries that cannot be read. */
  readonly entry?: string
}

/** One request, as it was answered. */
export interface SeenRequest {
  readonly status: number
  readonly ifNoneMatch: string | undefined
  readonly ifModifiedSince: string | undefined
}

/** The knobs of one feed. */
export class FeedKnobs {
  /** Newest first, as documents have them. */
  releases: Array<Release> = []
  /** Answers this instead, until it is undefined again. */
  answer: (() => Response) | undefined
  /** Each answer waits for this. */
  gate: Promise<void> = Promise.resolve()
  /** Whether validators are sent and understood. */
  validators: "etag" | "lastModified" | "none" = "etag"
  readonly requests: Array<SeenRequest> = []
  inFlight = 0
  inFlightMax = 0
  #published = 0

  constructor(readonly render: (releases: ReadonlyArray<Release>) => string) {}

  publish(...tags: ReadonlyArray<string>): void {
    for (const tag of tags) this.add({ tag })
  }

  add(release: Release): void {
    this.#published += 1
    const updated = new Date(Date.UTC(2026, 2, 1, 10, this.#published)).toISOString()
    this.releases = [{ updated, ...release }, ...this.releases]
  }

  edit(tag: string, changes: Partial<Release>): void {
    this.releases = this.releases.map((release) =>
      release.tag === tag ? { ...release, ...changes } : release
    )
  }

  remove(tag: string): void {
    this.releases = this.releases.filter((release) => release.tag !== tag)
  }

  /** Closes the gate; gives the function that opens it. */
  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.gate = promise
    return resolve
  }

  async respond(request: Request): Promise<Response> {
    this.inFlight += 1
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight)
    const gone = new Promise<void>((resolve) => request.signal.addEventListener("abort", () => resolve()))
    await Promise.race([this.gate, gone])
    this.inFlight -= 1
    const response = this.answer?.() ?? this.#document(request)
    this.requests.push({
      status: response.status,
      ifNoneMatch: request.headers.get("if-none-match") ?? undefined,
      ifModifiedSince: request.headers.get("if-modified-since") ?? undefined
    })
    return response
  }

  #document(request: Request): Response {
    const body = this.render(this.releases)
    const etag = `W/"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`
    const lastModified = new Date(Date.UTC(2026, 2, 1, 10, this.#published)).toUTCString()
    if (this.validators === "etag") {
      return request.headers.get("if-none-match") === etag
        ? new Response(null, { status: 304 })
        : new Response(body, { headers: { etag } })
    }
    if (this.validators === "lastModified") {
      return request.headers.get("if-modified-since") === lastModified
        ? new Response(null, { status: 304 })
        : new Response(body, { headers: { "last-modified": lastModified } })
    }
    return new Response(body)
  }
}

export interface FeedServer extends AsyncDisposable {
  readonly url: string
  /** Answers without the network. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /** The feed of releases at `/<name>.atom`; made when it is first asked for. */
  readonly atom: (name: string) => FeedKnobs
  /** The package document at `/<name>.json`. */
  readonly npm: (name: string) => FeedKnobs
}

/** Starts a forge on a free port of loopback. */
export const startFeedServer = (): FeedServer => {
  const feeds = new Map<string, FeedKnobs>()
  const feed = (path: string, render: (releases: ReadonlyArray<Release>) => string): FeedKnobs => {
    const known = feeds.get(path) ?? new FeedKnobs(render)
    feeds.set(path, known)
    return known
  }
  const respond = (request: Request): Response | Promise<Response> =>
    feeds.get(new URL(request.url).pathname)?.respond(request) ?? new Response("not here", { status: 404 })
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: respond })
  return {
    url: `http://127.0.0.1:${server.port}`,
    fetch: async (url, init) => respond(new Request(url, init)),
    atom: (name) => feed(`/${name}.atom`, renderAtom),
    npm: (name) => feed(`/${name}.json`, renderNpm(name)),
    [Symbol.asyncDispose]: () => server.stop(true)
  }
}

// --- internal ---

const renderAtom = (releases: ReadonlyArray<Release>): string =>
  atomFeed(...releases.map(({ tag, entry, ...options }) => entry ?? releaseEntry(tag, options)))

const renderNpm =
  (name: string) =>
  (releases: ReadonlyArray<Release>): string =>
    JSON.stringify({
      name,
      versions: Object.fromEntries(releases.map(({ tag }) => [tag, { name, version: tag }])),
      time: {
        created: "2026-01-01T00:00:00.000Z",
        modified: "2026-01-01T00:00:00.000Z",
        ...Object.fromEntries(releases.map(({ tag, updated }) => [tag, updated]))
      }
    })
