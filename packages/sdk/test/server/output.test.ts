/** Output that is followed is that of one attempt, also when the next one begins meanwhile. */
import { expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as FlowServer from "../../src/server/FlowServer.ts"
import { openServer, type Place } from "./place.ts"

test("a stream and a text stay with the attempt that they began with", async () => {
  await using place = await openServer()
  for (const [query, accept] of [
    ["?follow=true", "application/json"],
    ["", "text/plain"]
  ] as const) {
    const asked: Array<number | undefined> = []
    const readOutput: Place["flow"]["readOutput"] = (runId, { attempt, from = 0, limit = 1 } = {}) => {
      asked.push(attempt)
      const piece = { sequence: 0, offset: 0, bytes: 1, kind: "stdout" as const, createdAt: "", text: "x" }
      return Effect.succeed({
        runId: runId as never,
        attemptId: "a",
        // Who does not say which one is told of the newest: another one with each look.
        attemptNumber: attempt ?? asked.length,
        output: Array.from({ length: limit }, (_, index) => ({ ...piece, sequence: from + index })),
        next: from + limit,
        complete: asked.length === 4
      })
    }
    const status = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(FlowServer.make({ ...place.flow, readOutput }), ({ fetch }) =>
          Effect.promise(async () => {
            const headers = { host: "127.0.0.1", accept }
            const answer = await fetch(new Request(`http://127.0.0.1/runs/run_1/output${query}`, { headers }))
            await answer.text()
            return answer.status
          })
        )
      )
    )
    expect(status).toBe(200)
    expect(asked).toEqual(query === "" ? [undefined, 1, 1, 1] : [undefined, undefined, 2, 2])
  }
})
