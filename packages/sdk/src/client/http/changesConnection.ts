/** One connection to the changes of a server: opened, read piece by piece, and given up when it breaks off or falls silent. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { positionHeader } from "../../api/changesHeader.ts"
import { Change } from "../../api/records.ts"
import { BackendFailed, type BackendFailure } from "./HttpErrors.ts"
import { makeSseReader, type ServerSentEvent } from "./sse.ts"
import type { Transport } from "./Transport.ts"
import { connectionTrouble, type Refusal, type Trouble } from "./trouble.ts"

/** How long a connection may bring nothing before it is given up for dead, in milliseconds. */
export const idleMillisMax = 60_000

/** Which changes are wanted. */
export interface ChangesRequest {
  readonly baseUrl: string
  /** Those after this position, or those to come. */
  readonly after: number | "latest"
  /** Only those of this type. An earlier server refuses the request. Default: all. */
  readonly type?: string
}

/** A connection that stands. */
export interface ChangesConnection {
  readonly scope: Scope.CloseableScope
  /** After which position it begins; undefined for a server that does not say so. */
  readonly position: number | undefined
  /** The changes of the next piece that arrives. Those before garbage are given first; the next time, it fails. */
  readonly next: Effect.Effect<ReadonlyArray<Change>, Trouble>
}

/** What a connection brings is none of ours. */
export interface Garbage extends Trouble {
  readonly isGarbage: true
}

/** Opens a connection; closing its scope, or the outer one, ends it. One try. */
export const connectChanges = (
  transport: Transport,
  { baseUrl, after, type }: ChangesRequest,
  outer: Scope.Scope
): Effect.Effect<ChangesConnection, Trouble> =>
  Effect.gen(function* () {
    const scope = yield* Scope.fork(outer, outer.strategy)
    return yield* Effect.gen(function* () {
      const response = yield* Scope.extend(
        transport.open(`/changes?after=${after}${type === undefined ? "" : `&type=${type}`}`, {
          accept: "text/event-stream",
          ...(after === "latest" ? {} : { "last-event-id": String(after) })
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
      let broken: Trouble | undefined
      const piece = Effect.tryPromise({
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
        ),
        Effect.flatMap(({ changes, trouble }) => {
          broken = trouble
          return trouble !== undefined && changes.length === 0
            ? Effect.fail(trouble)
            : Effect.succeed(changes)
        })
      )
      const next = Effect.suspend(() => (broken === undefined ? piece : Effect.fail(broken)))
      return { scope, next, position: positionOf(response.headers.get(positionHeader)) }
    }).pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
  })

/** The position of the last change of a server. */
export const latestPosition = (
  transport: Transport,
  baseUrl: string
): Effect.Effect<number, Refusal | BackendFailure> =>
  Effect.flatMap(Effect.scope, (scope) =>
    connectChanges(transport, { baseUrl, after: "latest" }, scope)
  ).pipe(
    Effect.scoped,
    Effect.flatMap(({ position }) =>
      position === undefined
        ? Effect.fail(garbage(`GET /changes is answered without ${positionHeader}`))
        : Effect.succeed(position)
    ),
    Effect.mapError((trouble) => trouble.toError(1))
  )

// --- internal ---

const garbage = (reason: string): Garbage => ({
  isGarbage: true,
  again: "never",
  toError: () => new BackendFailed({ status: 200, code: "UnexpectedAnswer", reason })
})

const positionOf = (header: string | null): number | undefined =>
  header !== null && /^\d{1,15}$/.test(header) ? Number(header) : undefined

const decodeChange = Schema.decodeUnknownEither(Schema.parseJson(Change))

/** The changes up to the first event that is none, and what is then wrong. */
const readChanges = (
  take: () => ReadonlyArray<ServerSentEvent>
): Effect.Effect<{ readonly changes: ReadonlyArray<Change>; readonly trouble?: Trouble }, Trouble> =>
  Effect.map(
    Effect.try({
      try: take,
      catch: (cause) => garbage(cause instanceof Error ? cause.message : "the stream is not UTF-8")
    }),
    (events) => {
      const changes: Array<Change> = []
      // Other events, such as one that tells that the server stops, are for readers that know them.
      for (const { id, data } of events) {
        const change = decodeChange(data)
        if (Either.isLeft(change) || String(change.right.position) !== id) {
          return { changes, trouble: garbage("an event of GET /changes is not a change") }
        }
        changes.push(change.right)
      }
      return { changes }
    }
  )
