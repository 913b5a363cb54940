/** What a careless or hostile caller may send to each route, and what it is answered with. */

/** A request, and what it is answered with. */
interface Case {
  readonly what: string
  readonly method: string
  readonly path: string
  readonly body?: string | Uint8Array<ArrayBuffer>
  readonly headers?: Record<string, string>
  readonly status: number
  readonly code?: string
  readonly field?: string
}

export const json = { "content-type": "application/json" }
const deep = (levels: number): string => `${"[".repeat(levels)}${"]".repeat(levels)}`
const eventWith = (fields: object): string =>
  JSON.stringify({ id: `bad-${Bun.randomUUIDv7()}`, type: "t", ...fields })

const intakePaths = ["/events", "/flow-events", "/flow-dispatches"]

/** Bodies that are no event, for the routes that take one. */
const badEvents: ReadonlyArray<
  readonly [what: string, body: string, status: number, code: string, field?: string]
> = [
  ["no body", "", 400, "InvalidJson"],
  ["half a body", '{"id":"1","type"', 400, "InvalidJson"],
  ["a form", "id=1&type=t", 400, "InvalidJson"],
  ["two values", '{"id":"1","type":"t"} {}', 400, "InvalidJson"],
  ["deeper than any parser should go", deep(200_000), 400, "InvalidJson"],
  ["null", "null", 400, "InvalidEvent"],
  ["an array", "[]", 400, "InvalidEvent"],
  ["a string", '"event"', 400, "InvalidEvent"],
  ["a number", "1", 400, "InvalidEvent"],
  ["no id", '{"type":"t"}', 400, "InvalidEvent", "/id"],
  ["an empty id", '{"id":"","type":"t"}', 400, "InvalidEvent", "/id"],
  ["a blank id", '{"id":"  ","type":"t"}', 400, "InvalidEvent", "/id"],
  ["a null id", '{"id":null,"type":"t"}', 400, "InvalidEvent", "/id"],
  ["a number as id", '{"id":1,"type":"t"}', 400, "InvalidEvent", "/id"],
  ["an array as id", '{"id":["1"],"type":"t"}', 400, "InvalidEvent", "/id"],
  ["an id of 513 characters", eventWith({ id: "x".repeat(513) }), 400, "InvalidEvent", "/id"],
  ["an id with a line break", eventWith({ id: "a\nb" }), 400, "InvalidEvent", "/id"],
  ["half a surrogate pair in the id", '{"id":"\\ud800","type":"t"}', 400, "InvalidEvent", "/id"],
  ["no type", '{"id":"1"}', 400, "InvalidEvent", "/type"],
  ["an empty type", eventWith({ type: "" }), 400, "InvalidEvent", "/type"],
  ["an object as type", eventWith({ type: {} }), 400, "InvalidEvent", "/type"],
  ["a type of 257 characters", eventWith({ type: "t".repeat(257) }), 400, "InvalidEvent", "/type"],
  ["a number as source", eventWith({ source: 1 }), 400, "InvalidEvent", "/source"],
  ["a long source", eventWith({ source: "s".repeat(1_025) }), 400, "InvalidEvent", "/source"],
  ["an object as occurredAt", eventWith({ occurredAt: {} }), 400, "InvalidEvent", "/occurredAt"],
  ["a long receivedAt", eventWith({ receivedAt: "r".repeat(1_025) }), 400, "InvalidEvent", "/receivedAt"],
  ["a payload of 100 levels", `{"id":"1","type":"t","payload":${deep(100)}}`, 400, "InvalidEvent"],
  ["a field __proto__", '{"id":"1","type":"t","__proto__":{"a":1}}', 400, "InvalidEvent", "/__proto__"],
  ["an id of 10 MB", eventWith({ id: "x".repeat(10_485_760) }), 413, "BodyTooLarge"],
  ["a payload of 2 MB", eventWith({ payload: "x".repeat(2_097_152) }), 413, "BodyTooLarge"]
]

/** Bodies that look wrong and are right. */
const oddEvents: ReadonlyArray<readonly [what: string, body: string]> = [
  ["receivedAt null", eventWith({ receivedAt: null })],
  ["receivedAt a number", eventWith({ receivedAt: 5 })],
  ["an array as payload", eventWith({ payload: [1, [2]] })],
  ["null as payload", eventWith({ payload: null })],
  ["a string as payload", eventWith({ payload: "text" })],
  ["a payload of 60 levels", `{"id":"odd-60","type":"t","payload":${deep(60)}}`],
  ["an id of 512 characters", eventWith({ id: `i${"x".repeat(511)}` })],
  ["an id that looks like a path", eventWith({ id: "../../etc/passwd" })],
  ["the names of our own fields", eventWith({ runs: 1, runIds: "x", generation: {}, status: null })],
  [
    "what only the record says, as something else",
    eventWith({ causedBy: "x", dispatchedBy: 1, compactedAt: [] })
  ],
  ["a payload with __proto__", '{"id":"odd-proto","type":"t","payload":{"__proto__":{"admin":true}}}']
]

const types: ReadonlyArray<readonly [type: string, status: number]> = [
  ["text/plain", 415],
  ["application/x-www-form-urlencoded", 415],
  ["multipart/form-data; boundary=x", 415],
  ["application/xml", 415],
  ["application/json; charset=latin1", 415],
  ["text/json", 415],
  ["application/cloudevents+json", 202],
  ["application/json; charset=UTF-8", 202]
]

/** Parameters that are wrong, by the routes that list. */
const lists = [
  "/events",
  "/flow-events",
  "/runs",
  "/maintenance-attempts",
  "/workspace-dispatches",
  "/flow-dispatches"
]
const badParameters: ReadonlyArray<readonly [query: string, code: string, field: string]> = [
  ["limit=ten", "InvalidRequest", "limit"],
  ["limit=1.5", "InvalidRequest", "limit"],
  ["limit=1&limit=2", "InvalidRequest", "limit"],
  ["limit=", "InvalidRequest", "limit"],
  ["cursor=nonsense", "CursorInvalid", "cursor"],
  ["cursor=WyJhIiwiYiIsImMiLCJkIl0", "CursorInvalid", "cursor"],
  [`cursor=${"x".repeat(9_000)}`, "InvalidRequest", "cursor"],
  ["since=yesterday", "InvalidRequest", "since"],
  ["until=2026-13-45", "InvalidRequest", "until"],
  ["since=2026-02-31", "InvalidRequest", "since"],
  [`type=${"t".repeat(2_000)}`, "InvalidRequest", "type"],
  ["needs_attention=1", "InvalidRequest", "needs_attention"],
  ["__proto__=1", "InvalidRequest", "__proto__"]
]

const ids: ReadonlyArray<readonly [id: string, status: number, code: string | undefined]> = [
  ["none", 404, undefined],
  ["%00", 404, undefined],
  ["x".repeat(2_000), 404, undefined],
  ["..%2f..%2fetc%2fshadow", 404, undefined],
  ["%F0%9F%92%A9", 404, undefined],
  ["a".repeat(9_000), 400, "InvalidRequest"],
  ["%E5%80%A4".repeat(1_000), 400, "InvalidRequest"],
  ["%zz", 400, "InvalidRequest"],
  ["%ff", 400, "InvalidRequest"],
  ["a/b/c/d", 404, "UnknownRoute"]
]

/** One request of each kind, with ids of its own at each call. */
export const cases = (): ReadonlyArray<Case> => [
  ...intakePaths.flatMap((path) => [
    ...badEvents.map(([what, body, status, code, field]) => ({
      ...{ what, method: "POST", path, body, headers: json, status, code },
      ...(field === undefined ? {} : { field })
    }))
  ]),
  ...badEvents.map(([what, body, status, code]) => ({
    ...{ what, method: "POST", path: "/events/explain", body, headers: json, status, code }
  })),
  ...oddEvents.map(([what, body]) => ({
    what,
    method: "POST",
    path: "/events",
    body,
    headers: json,
    status: 202
  })),
  ...types.map(([type, status]) => ({
    ...{ what: `content type ${type}`, method: "POST", path: "/events", body: eventWith({}), status },
    headers: { "content-type": type }
  })),
  {
    what: "a body that is encoded",
    method: "POST",
    path: "/events",
    body: eventWith({}),
    headers: { ...json, "content-encoding": "gzip" },
    status: 415
  },
  {
    what: "bytes that are not UTF-8",
    method: "POST",
    path: "/events",
    body: new Uint8Array([0x22, 0xff, 0x22]),
    headers: json,
    status: 400,
    code: "InvalidJson"
  },
  ...lists.flatMap((path) =>
    badParameters.map(([query, code, field]) => ({
      ...{ what: `?${query.slice(0, 40)}`, method: "GET", path: `${path}?${query}`, status: 400, code, field }
    }))
  ),
  ...["/events", "/flow-events", "/runs", "/maintenance-attempts"].flatMap((path) =>
    ids.map(([id, status, code]) => ({
      ...{ what: `id ${id.slice(0, 40)}`, method: "GET", path: `${path}/${id}`, status },
      ...(code === undefined ? {} : { code })
    }))
  ),
  ...[
    "/events/{id}/replay",
    "/runs/{id}/cancel",
    "/runs/{id}/approve",
    "/maintenance-attempts/{id}/sync"
  ].map((path) => ({
    what: "an id of 9,000 characters",
    method: "POST",
    path: path.replace("{id}", "a".repeat(9_000)),
    ...{ body: "{}", headers: json, status: 400, code: "InvalidRequest", field: "id" }
  })),
  { what: "output", method: "GET", path: `/runs/${"a".repeat(9_000)}/output`, status: 400, field: "id" },
  ...["/events/none/replay", "/runs/none/cancel", "/runs/none/approve", "/runs/none/reject"].flatMap(
    (path) => [
      { what: "unknown", method: "POST", path, body: "{}", headers: json, status: 404 },
      {
        what: "an array",
        method: "POST",
        path,
        body: "[]",
        headers: json,
        status: 400,
        code: "InvalidRequest"
      },
      {
        what: "half a body",
        method: "POST",
        path,
        body: "{",
        headers: json,
        status: 400,
        code: "InvalidJson"
      },
      {
        what: "a form",
        method: "POST",
        path,
        body: "a=b",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        status: 415
      },
      {
        what: "an unknown field",
        method: "POST",
        path,
        body: '{"force":true}',
        headers: json,
        status: 400,
        code: "InvalidRequest"
      },
      {
        what: "2 MB",
        method: "POST",
        path,
        body: JSON.stringify("x".repeat(2_097_152)),
        headers: json,
        status: 413
      },
      { what: "another method", method: "GET", path, status: 405, code: "MethodNotAllowed" }
    ]
  ),
  {
    what: "wait is no boolean",
    method: "POST",
    path: "/events/none/replay",
    body: '{"wait":"yes"}',
    headers: json,
    status: 400,
    field: "wait"
  },
  {
    what: "a negative time-out",
    method: "POST",
    path: "/events/none/replay",
    body: '{"timeoutMillis":-1}',
    headers: json,
    status: 400
  },
  {
    what: "wait=maybe",
    method: "POST",
    path: "/events?wait=maybe",
    body: eventWith({}),
    headers: json,
    status: 400,
    field: "wait"
  },
  {
    what: "timeoutMillis=soon",
    method: "POST",
    path: "/events?timeoutMillis=soon",
    body: eventWith({}),
    headers: json,
    status: 400
  },
  {
    what: "include=all",
    method: "POST",
    path: "/events?include=all",
    body: eventWith({}),
    headers: json,
    status: 400
  },
  {
    what: "an unknown parameter",
    method: "POST",
    path: "/events?sync=true",
    body: eventWith({}),
    headers: json,
    status: 400,
    field: "sync"
  },
  { what: "after=x", method: "GET", path: "/changes?after=x", status: 400, field: "after" },
  { what: "after=-1", method: "GET", path: "/changes?after=-1", status: 400, field: "after" },
  {
    what: "Last-Event-ID is no number",
    method: "GET",
    path: "/changes",
    headers: { "last-event-id": "x" },
    status: 400,
    field: "last-event-id"
  },
  { what: "output of no run", method: "GET", path: "/runs/none/output", status: 404, code: "UnknownRun" },
  {
    what: "output of no run, followed",
    method: "GET",
    path: "/runs/none/output?follow=true",
    status: 404,
    code: "UnknownRun"
  },
  { what: "attempt=0", method: "GET", path: "/runs/none/output?attempt=0", status: 400, field: "attempt" },
  { what: "from=-1", method: "GET", path: "/runs/none/output?from=-1", status: 400, field: "from" },
  { what: "status of stuck", method: "GET", path: "/runs/stuck?every=1", status: 400, field: "every" },
  {
    what: "a sync of nothing",
    method: "POST",
    path: "/maintenance-attempts/none/sync",
    status: 404,
    code: "UnknownMaintenanceAttempt"
  },
  ...["/", "/nothing", "/events/", "/events/a/b/c", "/.env", "/healthz/x", "/runs/x/output/y"].map(
    (path) => ({
      ...{ what: "no route", method: "GET", path, status: 404, code: "UnknownRoute" }
    })
  ),
  ...["PUT", "DELETE", "PATCH", "OPTIONS"].flatMap((method) =>
    ["/events", "/runs/none", "/healthz", "/changes"].map((path) => ({
      ...{ what: "method", method, path, status: 405, code: "MethodNotAllowed" }
    }))
  ),
  ...["/runs", "/changes", "/flows", "/metrics", "/openapi.json"].map((path) => ({
    ...{
      what: "method",
      method: "POST",
      path,
      body: "{}",
      headers: json,
      status: 405,
      code: "MethodNotAllowed"
    }
  }))
]
