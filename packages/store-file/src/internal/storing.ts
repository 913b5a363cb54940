/** Runs file operations as effects: what they throw becomes a `StoreError`. */
import { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"

/** `operation` completes the sentence "The store could not …". */
export const storing = <A>(operation: string, run: () => A): Effect.Effect<A, StoreError> =>
  Effect.try({ try: run, catch: (error) => storeError(operation, error) })

/** The same for an operation that takes its time. */
export const storingLater = <A>(operation: string, run: () => Promise<A>): Effect.Effect<A, StoreError> =>
  Effect.tryPromise({ try: run, catch: (error) => storeError(operation, error) })

// --- internal ---

const storeError = (operation: string, error: unknown): StoreError =>
  new StoreError({ operation, reason: error instanceof Error ? error.message : String(error) })
