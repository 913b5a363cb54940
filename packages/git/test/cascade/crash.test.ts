/**
 * Goal: a cascade that is stopped hard at any step, and run again, ends as if it had not been stopped: every target holds
 * the version, by one commit of ours. Method: a child process applies to three targets through a proxy that kills it at
 * the n-th request, before or after the server has done it; then the same cascade runs to its end.
 *
 * 4 points by default, all of them with TEST_LONG=1.
 */
import { expect } from "bun:test"
import { join } from "node:path"
import { it } from "@patchmoi/core/testing/effectTest"
import { sample } from "@patchmoi/core/testing/sweep"
import * as Effect from "effect/Effect"
import { cascade, configFor, layerWorld, makeWorld, statuses } from "./world.ts"

const file = ".runtime-version"
const child = join(import.meta.dir, "crashChild.ts")
const isLong = process.env["TEST_LONG"] === "1"

/** Requests of an undisturbed run over three targets: about five each. */
const requestsMax = 15

const makeProxy = (git: string) => {
  const stop = { at: 0, after: false, kill: () => {}, seen: 0 }
  return Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        Bun.serve({
          hostname: "127.0.0.1",
          port: 0,
          fetch: async (request) => {
            stop.seen += 1
            const isPoint = stop.seen === stop.at
            if (isPoint && !stop.after) {
              stop.kill()
              return new Response("stopped", { status: 500 })
            }
            const url = new URL(request.url)
            const answer = await fetch(`${git}${url.pathname}${url.search}`, {
              method: request.method,
              headers: request.headers,
              ...(request.method === "POST" ? { body: await request.arrayBuffer() } : {})
            })
            const body = await answer.arrayBuffer()
            if (isPoint) stop.kill()
            return new Response(body, { status: answer.status, headers: answer.headers })
          }
        })
      ),
      (server) => Effect.promise(() => server.stop(true))
    ),
    (server) => ({ url: `http://127.0.0.1:${server.port}`, stop })
  )
}

it.live(
  "stopped at any request, and run again, it ends the same",
  () =>
    Effect.gen(function* () {
      for (const point of sample(requestsMax * 2, isLong ? requestsMax * 2 : 4)) {
        yield* Effect.scoped(
          Effect.gen(function* () {
            const { downstream, server } = yield* makeWorld
            const proxy = yield* makeProxy(server.url)
            const targets = yield* Effect.forEach(["one", "two", "three"], (name) =>
              downstream(name, { [file]: "1.0.0\n" })
            )
            const urls = targets.map(({ name }) => `${proxy.url}/${name}.git`)
            const running = Bun.spawn([process.execPath, child, JSON.stringify(urls)], {
              stdout: "ignore",
              stderr: "ignore"
            })
            proxy.stop.at = Math.ceil(point / 2)
            proxy.stop.after = point % 2 === 0
            proxy.stop.kill = () => running.kill("SIGKILL")
            yield* Effect.promise(() => running.exited)
            const report = yield* cascade({ config: configFor(urls), version: "1.1.0" })
            const settled = Object.values(statuses(report))
            expect({
              point,
              settled: settled.filter((status) => !/^(?:written|up-to-date)$/.test(status))
            }).toEqual({
              point,
              settled: []
            })
            for (const target of targets) {
              expect(yield* target.read(file)).toBe("1.1.0")
              expect(yield* target.subjects()).toEqual([expect.stringContaining("chore: pin"), "begin"])
              // A push that lost against the second run may leave a commit on no branch, which git collects later.
              expect(yield* target.git("fsck", "--strict", "--no-dangling")).toBe("")
            }
          })
        )
      }
    }).pipe(Effect.provide(layerWorld)),
  isLong ? 300_000 : 60_000
)
