/** Small servers that answer as they are told, for the tests of the HTTP client. */

/** What a server was asked. */
export interface Asked {
  readonly method: string
  readonly target: string
  readonly headers: Headers
  readonly body: string
  readonly at: number
}

type Answer = Response | Promise<Response>

/** A server on loopback; `answer` is told each request and how many came before it. */
export const startServer = (answer: (asked: Asked, before: number, signal: AbortSignal) => Answer) => {
  const asked: Array<Asked> = []
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    fetch: async (request) => {
      const url = new URL(request.url)
      const one = {
        method: request.method,
        target: url.pathname + url.search,
        headers: request.headers,
        body: await request.text(),
        at: performance.now()
      }
      return answer(one, asked.push(one) - 1, request.signal)
    }
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true)
  }
}

/** An answer with the body of an error. */
export const refusal = (
  status: number,
  code: string,
  details?: object,
  headers: Readonly<Record<string, string>> = {}
): Response =>
  Response.json(
    { error: { code, message: `said ${code}`, ...(details === undefined ? {} : { details }) } },
    { status, headers }
  )

/** The answer to a dispatch of an event that matches nothing. */
export const dispatched = (id: string) => ({
  status: "accepted",
  eventId: id,
  runIds: [],
  matched: 0,
  event: {
    id,
    type: "t",
    receivedAt: "2026-01-01T00:00:00.000Z",
    payload: {},
    runIds: [],
    generation: 0,
    depth: 0,
    maintenanceAttemptIds: [],
    differingDuplicates: [],
    createdAt: "2026-01-01T00:00:00.000Z"
  },
  runs: []
})

/** One change as a server-sent event. */
export const changeEvent = (position: number): string => {
  const data = {
    position,
    at: "2026-01-01T00:00:00.000Z",
    subject: "event",
    id: `é${position}`,
    type: "EventAccepted",
    data: {}
  }
  return `id: ${position}\ndata: ${JSON.stringify(data)}\n\n`
}

export const eventStream = (body: ReadableStream<Uint8Array> | Uint8Array<ArrayBuffer> | string): Response =>
  new Response(body, { headers: { "content-type": "text/event-stream" } })
