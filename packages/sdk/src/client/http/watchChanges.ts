/**
 * The changes of a server, over as many connections as it takes.
 *
 * 1. Every change after the position comes once and in order: a new connection goes on after the last change that was given.
 * 2. Until the first connection stands, tries are bounded as for any request. Afterwards a server that is away is waited
 *    for without end; one that refuses, or answers garbage again and again, ends the watch with an error.
 */
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Change } from "../../api/records.ts"
import { BackendFailed, type BackendFailure } from "./HttpErrors.ts"
import { makeSseReader, type ServerSentEvent } from "./sse.ts"
import type { Transport } from "./Transport.ts"
import { connectionTrouble, type Refusal, type Trouble } from "./trouble.ts"
import { retryAfterMillisMax, waitMillisBefore } from "./waiting.ts"

/** How long a connection may bring nothing before it is given up for dead, in milliseconds. */
export const idleMillisMax = 60_000

export interface WatchChangesOptions {
  readonly baseUrl: string
  /** The position after which changes are wanted. */
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
      let connection: Connection | undefined

      /** The next changes; connects when there is no connection. */
      const read = Effect.gen(function* () {
        connection ??= yield* connect(transport, baseUrl, position, scope)
        wasConnected = true
        const changes = yield* connection.next
        const fresh = changes.filter((change) => change.position > position)
        position = fresh.at(-1)?.position ?? position
        if (fresh.length > 0) failedTries = 0
        return Chunk.unsafeFromArray(fresh)
      })

      const recover = (trouble: Trouble) =>
        Effect.gen(function* () {
          const lost = connection
          connection = undefined
          if (lost !== undefined) yield* Scope.close(lost.scope, Exit.void)
          failedTries += 1
          const isBounded = !wasConnected || trouble.again === "never"
          const isOver =
            isBounded &&
            failedTries > (trouble.again === "never" ? garbageRetries(trouble, retries) : retries)
          if (isOver) return yield* trouble.toError(failedTries)
          yield* Effect.sleep((yield* waitMillisBefore(trouble, failedTries)) ?? retryAfterMillisMax)
          return Chunk.empty<Change>()
        })

      return Stream.repeatEffectChunk(Effect.catchAll(read, recover))
    })
  )

// --- internal ---

interface Connection {
  readonly scope: Scope.CloseableScope
  /** The changes of the next piece that arrives. */
  readonly next: Effect.Effect<ReadonlyArray<Change>, Trouble>
}

/** Garbage may be the fault of a connection, so it is tried again; a refusal stays one. */
interface Garbage extends Trouble {
  readonly isGarbage: true
}

const garbage = (reason: string): Garbage => ({
  isGarbage: true,
  again: "never",
  toError: () => new BackendFailed({ status: 200, code: "UnexpectedAnswer", reason })
})

const garbageRetries = (trouble: Trouble, retries: number): number => ("isGarbage" in trouble ? retries : 0)

const connect = (
  transport: Transport,
  baseUrl: string,
  position: number,
  outer: Scope.Scope
): Effect.Effect<Connection, Trouble> =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(outer, outer.strategy)
    return yield* Effect.gen(function* () {
      const response = yield* Scope.extend(
        transport.open(`/changes?after=${position}`, {
          accept: "text/event-stream",
          "last-event-id": String(position)
        }),
        scope
      )
      const contentType = response.headers.get("content-type") ?? "no content type"
      if (response.body === null || !contentType.startsWith("text/event-stream")) {
        return yield* Effect.fail(garbage(`GET /changes is answered with ${contentType}, not with a stream`))
      }
      const reader = response.body.getReader()
      const decoder = new TextDecoder("utf-8", { fatal: true })
      const takeEvents = makeSseReader()
      const next = Effect.tryPromise({
        try: () => reader.read(),
        catch: (cause) => connectionTrouble(baseUrl, cause)
      }).pipe(
        Effect.timeoutFail({
          duration: idleMillisMax,
          onTimeout: () => connectionTrouble(baseUrl, new Error("the connection brought nothing"))
        }),
        Effect.flatMap(({ done, value }) =>
          done
            ? Effect.fail(connectionTrouble(baseUrl, new Error("the server ended the stream")))
            : readChanges(() => takeEvents(decoder.decode(value, { stream: true })))
        )
      )
      return { scope, next }
    }).pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
  })

const decodeChange = Schema.decodeUnknownEither(Schema.parseJson(Change))

const readChanges = (
  take: () => ReadonlyArray<ServerSentEvent>
): Effect.Effect<ReadonlyArray<Change>, Trouble> =>
  Effect.gen(function* () {
    const events = yield* Effect.try({
      try: take,
      catch: (cause) => garbage(cause instanceof Error ? cause.message : "the stream is not UTF-8")
    })
    const changes: Array<Change> = []
    // Other events, such as one that tells that the server stops, are for readers that know them.
    for (const { id, data } of events) {
      const change = decodeChange(data)
      if (Either.isLeft(change) || String(change.right.position) !== id) {
        return yield* Effect.fail(garbage("an event of GET /changes is not a change"))
      }
      changes.push(change.right)
    }
    return changes
  })
