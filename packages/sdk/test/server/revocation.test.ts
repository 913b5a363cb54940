/** A token that is revoked ends what it has open, and nobody else's. */
import { expect, test } from "bun:test"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Either from "effect/Either"
import { signatureHeader, signRequest } from "../../src/api/signing.ts"
import { createHttpFlowClient } from "../../src/http.ts"
import { makeToken, writeTokens } from "../../src/server/Tokens.ts"
import { echoEvent, eventually, gateEvent } from "../../src/testing/ClientContractPlace.ts"
import { bearer, openClosed, secret } from "./closed.ts"
import { openServer, type Place } from "./place.ts"

/** Opens a stream; what it brought, and whether it has ended. */
const follow = async (place: Place, path: string, headers: Record<string, string>) => {
  const { body, status } = await place.fetch(path, { headers })
  expect(status).toBe(200)
  const seen = { text: "", isOver: false }
  const read = async () => {
    if (body === null) throw new Error("no body")
    for await (const piece of body) seen.text += new TextDecoder().decode(piece)
    seen.isOver = true
  }
  const reading = read()
  return { seen, reading }
}

const signedHeaders = async (target: string) => ({
  [signatureHeader]: await signRequest(secret, { method: "GET", target, timeMillis: Date.now() })
})

test("changes and output that are followed end soon after their token was revoked", async () => {
  await using closed = await openClosed([["read"], ["read"], ["dispatch"]])
  const { place, tokens } = closed
  const [revoked, kept, sender] = tokens.map((token) => bearer(token).headers)
  const { body } = await place.post("/events", gateEvent("g", place.root), { headers: sender ?? {} })
  const outputPath = `/runs/${body.runIds[0]}/output?follow=true`
  const ending = [
    await follow(place, "/changes", revoked ?? {}),
    await follow(place, outputPath, revoked ?? {})
  ]
  const signedChanges = await signedHeaders("/changes")
  const going = [
    await follow(place, "/changes", kept ?? {}),
    await follow(place, "/changes", signedChanges),
    await follow(place, outputPath, kept ?? {})
  ]
  for (const { seen } of [...ending, ...going])
    await eventually("it brings something", () => seen.text !== "")
  closed.revoke(0)
  // Nothing is written meanwhile: a silent stream ends as well.
  await Promise.all(ending.map(({ reading }) => reading))
  await place.post("/events", echoEvent("after"), { headers: sender ?? {} })
  for (const { seen } of going.slice(0, 2)) {
    await eventually("the others go on", () => seen.text.includes('"id":"after"'))
    expect(seen.isOver).toBe(false)
  }
  expect(ending.some(({ seen }) => seen.text.includes('"id":"after"'))).toBe(false)
  await writeFile(join(place.root, "g.gate"), "")
  await going[2]?.reading
  expect(going[2]?.seen.text).toContain("FLOW_RESULT")
})

test("a client whose token is revoked while it watches is told so", async () => {
  await using closed = await openClosed([["read", "dispatch"]])
  const [bearerToken = ""] = closed.tokens
  await using client = createHttpFlowClient({ baseUrl: closed.place.url, bearerToken })
  await client.dispatchEvent(echoEvent("1"))
  const watch = async (): Promise<unknown> => {
    for await (const _ of client.watch()) closed.revoke(0)
    return undefined
  }
  expect(await watch().catch((error: unknown) => error)).toMatchObject({ status: 401, code: "Unauthorized" })
})

test("a stream of an open server ends when the server is closed by a first token", async () => {
  await using root = await openServer()
  const tokensFile = join(root.root, "tokens.json")
  await using place = await openServer({ tokensFile })
  const { seen, reading } = await follow(place, "/changes", {})
  await eventually("it is open", () => seen.text !== "")
  const { entry } = makeToken({ name: "first", scopes: ["read"], createdAt: "2026-01-01T00:00:00.000Z" })
  Either.getOrThrow(writeTokens(tokensFile, [entry]))
  await reading
  expect((await place.get("/runs")).status).toBe(401)
})
