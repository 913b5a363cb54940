/** The flow service as a client calls it, wherever it is, and how its operations run behind promises. */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Flow } from "../Flow.ts"
import { ClientClosed, toFlowError } from "./errors.ts"

type Service = typeof Flow.Service

/** The flow service behind promises. */
export interface Backend {
  /** Runs an operation of the service. Throws the errors of `errors.ts`; an abort throws the signal's reason. */
  readonly run: <A, E>(operation: (flow: Service) => Effect.Effect<A, E>, signal?: AbortSignal) => Promise<A>
  /** Gives what a stream of the service gives. Throws as `run` does. */
  readonly iterate: <A, E>(
    operation: (flow: Service) => Stream.Stream<A, E>,
    signal?: AbortSignal
  ) => AsyncGenerator<A, void>
  /** Ends what is under way and closes what was opened; what still waits after that throws `ClientClosed`. */
  readonly close: () => Promise<void>
}

/** How effects run in a runtime that ends with the client. */
export interface Running<R> {
  readonly run: <A, E>(effect: Effect.Effect<A, E, R>, signal?: AbortSignal) => Promise<A>
  readonly iterate: <A, E>(stream: Stream.Stream<A, E>, signal?: AbortSignal) => AsyncGenerator<A, void>
  /** Ends with `ClientClosed` whatever is still under way, and whatever comes later. */
  readonly stop: () => void
}

/** Runs effects by this function, each until it ends, its signal is aborted or the client stops. */
export const makeRunning = <R>(
  runExit: <A, E>(
    effect: Effect.Effect<A, E, R>,
    options: { readonly signal: AbortSignal }
  ) => Promise<Exit.Exit<A, unknown>>
): Running<R> => {
  const closing = new AbortController()
  return {
    run: async (effect, signal) => {
      const ended = await runExit(effect, { signal: either(closing.signal, signal) })
      if (ended._tag === "Success") return ended.value
      throw thrownFor(ended.cause, closing.signal, signal)
    },
    iterate: async function* (stream, signal) {
      const cut = Stream.interruptWhen(stream, aborted(either(closing.signal, signal)))
      try {
        yield* Stream.toAsyncIterable(cut)
      } catch (error) {
        throw error instanceof Aborted ? thrownFor(Cause.empty, closing.signal, signal) : toFlowError(error)
      }
    },
    stop: () => closing.abort()
  }
}

// --- internal ---

/** Ends a stream whose signal was aborted. Never seen outside. */
class Aborted extends Data.TaggedError("Aborted") {}

const either = (closing: AbortSignal, signal: AbortSignal | undefined): AbortSignal =>
  signal === undefined ? closing : AbortSignal.any([closing, signal])

/** Fails once the signal is aborted. */
const aborted = (signal: AbortSignal): Effect.Effect<never, Aborted> =>
  Effect.async((resume) => {
    const abort = () => resume(Effect.fail(new Aborted()))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

/** What a caller sees of a failure: an abort is the caller's own reason, and a close is told as one. */
const thrownFor = (
  cause: Cause.Cause<unknown>,
  closing: AbortSignal,
  signal: AbortSignal | undefined
): unknown => {
  const isStopped = Cause.isEmpty(cause) || Cause.isInterruptedOnly(cause)
  if (isStopped && signal?.aborted === true) return signal.reason
  if (isStopped && closing.aborted) return new ClientClosed("The client was closed meanwhile", {})
  return toFlowError(Cause.squash(cause))
}
