/**
 * Answers that go on: each is a stream of text that ends when its source does, when the caller leaves or is let in no more,
 * or when the server stops.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { guardHeaders, HttpFailure } from "./HttpFailure.ts"
import type { Admitted, Serving } from "./serving.ts"

/** Between two looks at whether the caller of a silent stream would be let in still, in milliseconds. */
const callerLookMillis = 1_000

/** Sends a stream. Throws {@link HttpFailure} when too many are open. */
export const streamAnswer = (
  serving: Serving,
  { mayGoOn, request }: Admitted,
  text: Stream.Stream<string>,
  headers: Record<string, string>
): Response => {
  const { metrics, settings, stopping, runtime } = serving
  if (metrics.streams >= settings.streamsMax) {
    throw new HttpFailure("RateLimited", `There are ${settings.streamsMax} streams open already`, {
      retryAfterSeconds: 5
    })
  }
  const bytes = text.pipe(
    Stream.interruptWhen(aborted(AbortSignal.any([stopping, request.signal]))),
    Stream.interruptWhen(refused(mayGoOn)),
    Stream.chunks,
    Stream.takeWhile(() => mayGoOn()),
    Stream.tap(() => letOthersGo),
    Stream.map((pieces) => utf8.encode([...pieces].join(""))),
    Stream.onStart(Effect.sync(() => metrics.streamOpened())),
    Stream.ensuring(Effect.sync(() => metrics.streamClosed()))
  )
  return new Response(Stream.toReadableStreamRuntime(bytes, runtime), {
    status: 200,
    headers: {
      ...guardHeaders,
      // Proxies that collect an answer before they pass it on are asked not to.
      "x-accel-buffering": "no",
      ...headers
    }
  })
}

// --- internal ---

const utf8 = new TextEncoder()

/** A stream of what is stored already never waits by itself: without this, nobody else is answered until it has sent it all. */
const letOthersGo = Effect.sleep(0)

/** Ends when the caller may not go on: a stream that says nothing is looked at as well. */
const refused = (mayGoOn: () => boolean): Effect.Effect<void> =>
  Effect.asVoid(Effect.repeat(Effect.delay(Effect.sync(mayGoOn), callerLookMillis), { while: (may) => may }))

const aborted = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.async((resume) => {
    const abort = (): void => resume(Effect.void)
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })
