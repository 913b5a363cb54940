/** How the server is: for whoever keeps it running. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import manifest from "../../package.json" with { type: "json" }
import { guardHeaders, jsonAnswer } from "./HttpFailure.ts"
import { runEffect, type Serving } from "./serving.ts"

/** How long the store may take to answer before the server says that it is not ready, in milliseconds. */
const storeMillisMax = 2_000

/** The process answers; more it does not say. */
export const healthz = (): Response => jsonAnswer(200, { ok: true })

/** Whether requests can be served: the store answers and takes writes, and nobody has asked the server to stop. */
export const readyz = async (serving: Serving): Promise<Response> => {
  if (serving.stopping.aborted) return notReady("The server is stopping")
  const looked = serving.flow.ready.pipe(
    Effect.timeoutOption(storeMillisMax),
    Effect.map(Option.isSome),
    Effect.orElseSucceed(() => false)
  )
  return (await runEffect(serving, looked))
    ? jsonAnswer(200, { ok: true })
    : notReady("The store does not answer, or takes no writes")
}

/** The metrics of the server, of the store and of the process. */
export const metricsText = async (serving: Serving, startedAtMillis: number): Promise<Response> => {
  const stats = serving.flow.stats.pipe(
    Effect.timeoutOption(storeMillisMax),
    Effect.orElseSucceed(Option.none)
  )
  const text = serving.metrics.render({
    stats: Option.getOrUndefined(await runEffect(serving, stats)),
    residentBytes: process.memoryUsage.rss(),
    startedAtSeconds: startedAtMillis / 1_000,
    version: manifest.version
  })
  return new Response(text, {
    headers: {
      "content-type": "application/openmetrics-text; version=1.0.0; charset=utf-8",
      ...guardHeaders
    }
  })
}

// --- internal ---

const notReady = (reason: string): Response => jsonAnswer(503, { ok: false, reason }, { "retry-after": "1" })
