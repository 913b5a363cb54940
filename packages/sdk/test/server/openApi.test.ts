/** The document of the API is true: real answers are of the type and of the schema that it gives for their status. */
import { expect, test } from "bun:test"
import { compileSchema } from "@patchmoi/core/flow/JsonSchema"
import * as Effect from "effect/Effect"
import { echoEvent } from "../../src/testing/ClientContractPlace.ts"
import { openServer } from "./place.ts"

test("every answer is of a type that the document names, and fits its schema", async () => {
  await using place = await openServer()
  const document = (await place.get("/openapi.json")).body
  // Schemas of anything once had an id each, and all the same: no validator took the document as a whole.
  expect(JSON.stringify(document)).not.toContain('"$id":"')
  const asked = new Set<string>()

  /** Asks, and holds the answer against the document. */
  const ask = async (method: string, route: string, path = route, init: RequestInit = {}) => {
    const answer = await place.get(path, { method, ...init })
    const { content } = document.paths[route][method.toLowerCase()].responses[answer.status]
    const type = answer.headers.get("content-type")?.split(";")[0]
    const named = Object.keys(content).find((each) => each.split(";")[0] === type)
    expect({ method, path, status: answer.status, type: named?.split(";")[0] }).toEqual({
      ...{ method, path, status: answer.status, type: type ?? "none" }
    })
    asked.add(`${method} ${route} ${answer.status} ${type}`)
    if (type !== "application/json") return answer
    const text = JSON.stringify({ ...content[type].schema, components: document.components })
    const check = await Effect.runPromise(compileSchema(text))
    expect({ path, issues: check(answer.body) }).toEqual({ path, issues: [] })
    return answer
  }
  const post = (route: string, path: string, body?: unknown) =>
    ask("POST", route, path, body === undefined ? {} : { body: JSON.stringify(body) })

  const { body: first } = await post("/events", "/events?wait=true", {
    ...{ ...echoEvent("patch:s:1:t"), source: "patch", trace: { n: 1 } }
  })
  await post("/flow-events", "/flow-events", echoEvent("patch:s:1:t", { status: "skipped" }))
  await post("/events", "/events", { id: "no type" })
  await post("/events/explain", "/events/explain", echoEvent("x"))
  await post("/events/{id}/replay", "/events/patch%3As%3A1%3At/replay")
  for (const list of ["/events", "/runs", "/maintenance-attempts", "/workspace-dispatches"]) {
    await ask("GET", list)
    await ask("GET", list, `${list}?limit=x`)
  }
  const run = `/runs/${first.runIds[0]}`
  await ask("GET", "/events/{id}", "/events/patch%3As%3A1%3At")
  await ask("GET", "/runs/{id}", run)
  await ask("GET", "/runs/{id}", "/runs/none")
  await post("/runs/{id}/cancel", `${run}/cancel`)
  const text = { headers: { accept: "text/plain" } }
  await ask("GET", "/runs/{id}/output", `${run}/output`)
  await ask("GET", "/runs/{id}/output", `${run}/output`, text)
  await ask("GET", "/runs/{id}/output", `${run}/output`, { headers: { ...text.headers, range: "bytes=0-3" } })
  await ask("GET", "/runs/{id}/output", `${run}/output?follow=true`)
  for (const path of ["/flows", "/healthz", "/readyz", "/metrics", "/runs/stuck"]) await ask("GET", path)
  expect(asked.size).toBeGreaterThan(25)
})

test("fields may be added to answers and not to bodies, and a body that may be left out is not required", async () => {
  await using place = await openServer()
  const { paths, components } = (await place.get("/openapi.json")).body
  const isClosed = (value: unknown) => JSON.stringify(value).includes('"additionalProperties":false')
  expect(isClosed(components)).toBe(false)
  for (const item of Object.values<Record<string, { responses: unknown }>>(paths)) {
    for (const { responses } of Object.values(item)) expect(isClosed(responses)).toBe(false)
  }
  const bodyOf = (path: string) => paths[path].post.requestBody
  expect(isClosed(bodyOf("/runs/{id}/cancel"))).toBe(true)
  const required = [
    "/events",
    "/events/explain",
    "/events/{id}/replay",
    "/runs/{id}/cancel",
    "/runs/{id}/reject"
  ]
  expect(required.map((path) => bodyOf(path).required)).toEqual([true, true, false, false, false])
})
