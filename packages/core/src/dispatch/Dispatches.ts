/** The aggregate of dispatches: each time a signal's event was handed to whoever runs the flows, and what came of it. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { DispatchId, EventId, RunId } from "../Ids.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"

/** What was dispatched, to whom, and with what outcome: the fields of a line of `workspace-dispatches.jsonl`. */
const fields = {
  eventId: EventId,
  eventType: Schema.String,
  operation: Schema.Literal("dispatch", "replay"),
  target: Schema.Literal("local", "workspace-backend"),
  transport: Schema.String,
  status: Schema.Literal("dispatched", "failed", "skipped"),
  runIds: Schema.Array(RunId),
  matched: Schema.Int,
  idempotent: Schema.optional(Schema.Boolean),
  workspaceBackendUrl: Schema.optional(Schema.String),
  httpStatus: Schema.optional(Schema.Int),
  error: Schema.optional(Schema.String)
}

export const DispatchRecorded = Schema.TaggedStruct("DispatchRecorded", fields)
export const DispatchFact = Schema.Union(DispatchRecorded)
export type DispatchFact = typeof DispatchFact.Type

export const DispatchDocument = Schema.Struct({ id: DispatchId, ...fields, createdAt: Schema.String })
export interface DispatchDocument extends Schema.Schema.Type<typeof DispatchDocument> {}

export type DispatchCommand = {
  readonly _tag: "Record"
  readonly dispatch: Omit<typeof DispatchRecorded.Type, "_tag">
}

/** Dispatches, by their id: `<eventId>:<operation>:<generation>`. Listed by event and by status. */
export const Dispatches = Aggregate.make({
  name: "dispatch",
  fact: DispatchFact,
  decide: (
    { dispatch }: DispatchCommand,
    document: DispatchDocument | undefined
  ): Either.Either<ReadonlyArray<DispatchFact>> =>
    Either.right(document === undefined ? [{ _tag: "DispatchRecorded", ...dispatch }] : []),
  evolve: (document: DispatchDocument | undefined, { _tag, ...dispatch }, { key, at }) =>
    document ?? { ...dispatch, id: DispatchId.make(key), createdAt: toIso(at) },
  indexes: {
    byEvent: (dispatch: DispatchDocument) => [dispatch.eventId],
    byStatus: (dispatch: DispatchDocument) => [dispatch.status]
  }
})
