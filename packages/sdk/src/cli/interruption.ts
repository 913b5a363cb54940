/** Interruptions by the user, as effects. */
import * as Effect from "effect/Effect"
import type { Interruption } from "./Caller.ts"

/** Returns when the signal is aborted. */
export const awaitAbort = (signal: AbortSignal): Effect.Effect<void> =>
  Effect.async((resume) => {
    if (signal.aborted) return resume(Effect.void)
    const listener = (): void => resume(Effect.void)
    signal.addEventListener("abort", listener, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", listener))
  })

/** The signal of the process that aborted; undefined while none did. */
export const interruptedBy = (signal: AbortSignal): Interruption["signal"] | undefined => {
  if (!signal.aborted) return undefined
  const reason: unknown = signal.reason
  const isTermination =
    typeof reason === "object" && reason !== null && "signal" in reason && reason.signal === "SIGTERM"
  return isTermination ? "SIGTERM" : "SIGINT"
}
