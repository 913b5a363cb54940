/**
 * The aggregate of dispatches: each time a signal's event was handed to whoever runs the flows, and what came of it.
 *
 * 1. A dispatch to this machine is recorded as done, in the commit of its event.
 * 2. One to another backend is queued in the commit of its event, and is `pending` until the backend has accepted it or it
 *    is given up. Every try that failed is a fact.
 * 3. What was accepted stays accepted; what was given up may be tried again when somebody asks.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { DispatchId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"
import {
  type DispatchAccepted,
  DispatchFact,
  type DispatchGivenUp,
  type DispatchQueued,
  type DispatchRecorded,
  type DispatchRetried,
  type DispatchTryFailed,
  dispatchFields
} from "./DispatchFact.ts"

export { DispatchFact } from "./DispatchFact.ts"

/**
 * An event that was handed to whoever runs it: to whom, what came of it, and when it is tried again where it did not arrive.
 */
export const DispatchDocument = Schema.Struct({
  id: DispatchId,
  ...dispatchFields,
  /** How often another backend was asked, and failed to accept. */
  failedTries: Schema.optional(Schema.Int),
  /** When the next try is due, ISO 8601, UTC. */
  nextTryAt: Schema.optional(Schema.String),
  /** ISO 8601, UTC. */
  createdAt: Schema.String,
  /** ISO 8601, UTC; absent while nothing has happened to it since. */
  updatedAt: Schema.optional(Schema.String)
})
export interface DispatchDocument extends Schema.Schema.Type<typeof DispatchDocument> {}

type Of<Fact extends { readonly Type: { readonly _tag: string } }> = Omit<Fact["Type"], "_tag">

/**
 * What can be asked of a dispatch; nothing is refused. `Record` and `Queue` make one, and do nothing when it is there. The
 * others are for one to another backend, and do nothing unless it is `pending`; `TryNow` is for one that failed as well.
 */
export type DispatchCommand =
  | { readonly _tag: "Record"; readonly dispatch: Of<typeof DispatchRecorded> }
  | { readonly _tag: "Queue"; readonly dispatch: Of<typeof DispatchQueued> }
  | ({ readonly _tag: "FailTry" } & Of<typeof DispatchTryFailed>)
  | ({ readonly _tag: "Accept" } & Of<typeof DispatchAccepted>)
  | ({ readonly _tag: "GiveUp" } & Of<typeof DispatchGivenUp>)
  /** Makes one that waits for its next try, or was given up, due now. */
  | ({ readonly _tag: "TryNow" } & Of<typeof DispatchRetried>)

const decide = (
  command: DispatchCommand,
  document: DispatchDocument | undefined
): Either.Either<ReadonlyArray<DispatchFact>> => {
  const isPending = document?.status === "pending"
  switch (command._tag) {
    case "Record":
      return Either.right(document === undefined ? [{ _tag: "DispatchRecorded", ...command.dispatch }] : [])
    case "Queue":
      return Either.right(document === undefined ? [{ _tag: "DispatchQueued", ...command.dispatch }] : [])
    case "FailTry": {
      const { _tag, ...failed } = command
      return Either.right(isPending ? [{ _tag: "DispatchTryFailed", ...failed }] : [])
    }
    case "Accept": {
      const { _tag, ...accepted } = command
      return Either.right(isPending ? [{ _tag: "DispatchAccepted", ...accepted }] : [])
    }
    case "GiveUp": {
      const { _tag, ...givenUp } = command
      return Either.right(isPending ? [{ _tag: "DispatchGivenUp", ...givenUp }] : [])
    }
    case "TryNow": {
      const { _tag, ...caller } = command
      const isRemote = document?.target === "workspace-backend"
      const waits = isPending ? document.nextTryAt !== undefined : document?.status === "failed"
      return Either.right(isRemote && waits ? [{ _tag: "DispatchRetried", ...caller }] : [])
    }
  }
}

const evolve = (
  document: DispatchDocument | undefined,
  fact: DispatchFact,
  { key, at }: Aggregate.FactPlace
): DispatchDocument | undefined => {
  const now = toIso(at)
  if (fact._tag === "DispatchRecorded") {
    const { _tag, ...dispatch } = fact
    return document ?? { ...dispatch, id: DispatchId.make(key), createdAt: now }
  }
  if (fact._tag === "DispatchQueued") {
    const { _tag, ...dispatch } = fact
    const queued = { target: "workspace-backend", status: "pending", runIds: [], matched: 0 } as const
    return document ?? { ...dispatch, ...queued, id: DispatchId.make(key), createdAt: now }
  }
  if (document === undefined || document.target !== "workspace-backend") return document
  const { error, httpStatus, nextTryAt, failedTries = 0, ...rest } = document
  switch (fact._tag) {
    case "DispatchTryFailed":
    case "DispatchGivenUp":
      return withoutUndefined({
        ...rest,
        status: fact._tag === "DispatchGivenUp" ? ("failed" as const) : ("pending" as const),
        failedTries: failedTries + 1,
        error: fact.error,
        httpStatus: fact.httpStatus,
        nextTryAt: fact._tag === "DispatchTryFailed" ? fact.nextTryAt : undefined,
        updatedAt: now
      })
    case "DispatchAccepted":
      return withoutUndefined({
        ...rest,
        status: "dispatched" as const,
        failedTries: failedTries === 0 ? undefined : failedTries,
        runIds: fact.runIds,
        matched: fact.matched,
        idempotent: fact.idempotent,
        httpStatus: fact.httpStatus,
        updatedAt: now
      })
    case "DispatchRetried":
      return withoutUndefined({
        ...rest,
        status: "pending" as const,
        failedTries: failedTries === 0 ? undefined : failedTries,
        error,
        httpStatus,
        updatedAt: now
      })
  }
}

/** Dispatches, by their id: `<eventId>:<operation>:<generation>`. Listed by event, by status, and those that wait to be sent. */
export const Dispatches = Aggregate.make({
  name: "dispatch",
  fact: DispatchFact,
  isPlain: true,
  decide,
  evolve,
  indexes: {
    byEvent: (dispatch: DispatchDocument) => [dispatch.eventId],
    byStatus: (dispatch: DispatchDocument) => [dispatch.status],
    /** By backend; the oldest is sent first. */
    toSend: ({ status, workspaceBackendUrl }: DispatchDocument) =>
      status === "pending" && workspaceBackendUrl !== undefined ? [workspaceBackendUrl] : undefined
  }
})
