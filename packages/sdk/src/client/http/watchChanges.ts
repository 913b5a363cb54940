/**
 * The changes of a server, over as many connections as it takes.
 *
 * 1. Every change after the position comes once and in order: a new connection goes on after the last change that was given.
 * 2. Until the first connection stands, tries are bounded as for any request. Afterwards a server that is away is waited
 *    for without end; one that refuses, or answers garbage again and again, ends the watch with an error.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Change } from "../../api/records.ts"
import { type ChangesConnection, connectChanges } from "./changesConnection.ts"
import type { BackendFailure } from "./HttpErrors.ts"
import type { Transport } from "./Transport.ts"
import type { Refusal, Trouble } from "./trouble.ts"
import { retryAfterMillisMax, waitMillisBefore } from "./waiting.ts"

/** Where a watch begins, and how patient it is. */
export interface WatchChangesOptions {
  /** That of the transport, for messages. */
  readonly baseUrl: string
  /** The position after which changes are wanted; 0 for all of them. */
  readonly after: number
  /** How often the first connection, and one that brought garbage, is tried again. */
  readonly retries: number
}

/** Every change after a position, once each, in order: past ones, then live ones. Never ends by itself. */
export const watchChanges = (
  transport: Transport,
  { baseUrl, after, retries }: WatchChangesOptions
): Stream.Stream<Change, Refusal | BackendFailure> =>
  Stream.unwrapScoped(
    Effect.map(Effect.scope, (scope) => {
      let position = after
      let wasConnected = false
      let failedTries = 0
      let refusedTries = 0
      let connection: ChangesConnection | undefined

      /** The next changes; connects when there is no connection. */
      const read = Effect.gen(function* () {
        connection ??= yield* connectChanges(transport, { baseUrl, after: position }, scope)
        wasConnected = true
        const changes = yield* connection.next
        const fresh = changes.filter((change) => change.position > position)
        position = fresh.at(-1)?.position ?? position
        if (fresh.length > 0) failedTries = refusedTries = 0
        return Chunk.unsafeFromArray(fresh)
      })

      const recover = (trouble: Trouble) =>
        Effect.gen(function* () {
          const lost = connection
          connection = undefined
          if (lost !== undefined) yield* Scope.close(lost.scope, Exit.void)
          failedTries += 1
          // Connections that were lost before say nothing against what the server answers now.
          if (trouble.again === "never") refusedTries += 1
          const isOver =
            trouble.again === "never"
              ? refusedTries > garbageRetries(trouble, retries)
              : !wasConnected && failedTries > retries
          if (isOver) return yield* trouble.toError(failedTries)
          yield* Effect.sleep((yield* waitMillisBefore(trouble, failedTries)) ?? retryAfterMillisMax)
          return Chunk.empty<Change>()
        })

      return Stream.repeatEffectChunk(Effect.catchAll(read, recover))
    })
  )

// --- internal ---

/** Garbage may be the fault of a connection, so it is tried again; a refusal stays one. */
const garbageRetries = (trouble: Trouble, retries: number): number => ("isGarbage" in trouble ? retries : 0)
