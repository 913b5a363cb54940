/** Backends and sources for the tests of the outbox. */
import { join } from "node:path"
import type { FlowClient } from "../../src/index.ts"
import { plainSource } from "../intake/fixtures.ts"
import { startFeedServer } from "../intake/PollerFeedServer.ts"

/** A run of an earlier backend, with the result where that one puts it. */
interface EarlierRun {
  readonly id: string
  readonly eventId: string
  status: string
  resultJson?: string
}

export const backendSecret = "the secret of the backend"

/**
 * A backend that keeps only the published routes: POST /events, GET /runs, POST /events/:id/replay. `answer` may come
 * before it: a refusal, or an answer that is lost.
 */
export const startEarlierBackend = (options: { readonly port?: number } = {}) => {
  const received: Array<string> = []
  const runs: Array<EarlierRun> = []
  const knobs: { answer: ((request: Request) => Response | "lose" | undefined) | undefined } = {
    answer: undefined
  }
  const startRun = (eventId: string): EarlierRun => {
    const generation = runs.filter((run) => run.eventId === eventId).length
    const run: EarlierRun = { id: `run_${eventId.slice(-20)}_${generation}`, eventId, status: "queued" }
    runs.push(run)
    return run
  }
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: options.port ?? 0,
    fetch: async (request) => {
      const url = new URL(request.url)
      const body = await request.text()
      const said = knobs.answer?.(request)
      if (said instanceof Response) return said
      if (request.method === "GET" && url.pathname === "/runs") {
        const eventId = url.searchParams.get("eventId") ?? ""
        return Response.json({ eventId, runs: runs.filter((run) => run.eventId === eventId).toReversed() })
      }
      const signature = new Bun.CryptoHasher("sha256", backendSecret).update(body).digest("hex")
      if (request.headers.get("x-flow-signature-256") !== `sha256=${signature}`) {
        return Response.json({ error: "invalid signature" }, { status: 401 })
      }
      const replayed = /^\/events\/(.+)\/replay$/.exec(url.pathname)?.[1]
      const eventId = replayed === undefined ? String(JSON.parse(body).id) : decodeURIComponent(replayed)
      const known = runs.filter((run) => run.eventId === eventId)
      const isDuplicate = replayed === undefined && known.length > 0
      const started = isDuplicate ? known : [startRun(eventId)]
      if (!isDuplicate) received.push(replayed === undefined ? eventId : `replay ${eventId}`)
      if (said === "lose") return Response.json({ error: "lost" }, { status: 502 })
      const status = isDuplicate ? "duplicate" : "accepted"
      return Response.json(
        { status, eventId, runIds: started.map(({ id }) => id), matched: isDuplicate ? 0 : 1 },
        { status: 202 }
      )
    }
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    port: server.port ?? 0,
    /** What it took in, in order; duplicates are not there. */
    received,
    runs,
    knobs,
    /** Ends every run that there is, as the runner of that backend says it. */
    endRuns: (result: object): void => {
      for (const run of runs) {
        run.status = "completed"
        run.resultJson = JSON.stringify({ flow: "f", step: "s", result })
      }
    },
    [Symbol.asyncDispose]: () => server.stop(true)
  }
}

/** A forge with one feed, and a sources file whose source has this target. */
export const makeSources = async (root: string, target: object, more: ReadonlyArray<object> = []) => {
  const forge = startFeedServer()
  const sourcesFile = join(root, "feed-sources.json")
  const source = {
    ...plainSource,
    url: `${forge.url}/tool.atom`,
    primeOnly: false,
    target: { ...plainSource.target, ...target }
  }
  await Bun.write(sourcesFile, JSON.stringify({ sources: [source, ...more] }))
  return { forge, sourcesFile, publish: (tag: string) => forge.atom("tool").publish(tag) }
}

/** Who was the first to ask for a try at once, as the log tells it; waits for that. */
export const whoRetried = async (client: FlowClient): Promise<unknown> => {
  for await (const { type, data } of client.watch()) {
    if (type === "DispatchRetried") {
      return typeof data === "object" && data !== null ? Reflect.get(data, "by") : undefined
    }
  }
  return undefined
}

/** The only dispatch that there is of each event, oldest first. */
export const dispatchesOf = async (client: FlowClient) =>
  (await client.listDispatches({ limit: 500 })).dispatches.toReversed()
