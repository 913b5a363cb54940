/**
 * The names of things. Every id is a branded string, so that a run id cannot stand where an event id
 * is asked for. Ids that patchmoi makes are hashes over length-prefixed parts: no separator that a part
 * contains can forge another id, and 128 bits do not collide at any scale that a disk holds.
 */
import * as Schema from "effect/Schema"
import { digest128 } from "./internal/digest.ts"

/** Longest id that patchmoi accepts from outside, in UTF-16 code units. */
export const idLengthMax = 512

const boundedId = Schema.String.pipe(
  Schema.filter((id) => id.trim().length > 0 || "Expected an id that is not blank"),
  Schema.maxLength(idLengthMax, {
    message: (issue) =>
      `Expected an id of at most ${idLengthMax} characters, found ${String(issue.actual).length}`
  }),
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what the pattern refuses.
  Schema.pattern(/^[^\u0000-\u001f\u007f]+$/, {
    message: () => "Expected an id without control characters"
  }),
  // Half a surrogate pair has no UTF-8: two such ids would be one in a hash, in a database and on the wire.
  Schema.filter(
    (id) => id.isWellFormed() || "Expected an id of whole characters, found half a surrogate pair"
  )
)

/** The id of a flow event, chosen by whoever dispatches it: the key by which duplicates are known. 1 to 512 characters. */
export const EventId = boundedId.pipe(Schema.brand("patchmoi/EventId"))
export type EventId = typeof EventId.Type

/** The id of a run: `run_` and 32 hexadecimal digits, see {@link makeRunId}. */
export const RunId = boundedId.pipe(Schema.brand("patchmoi/RunId"))
export type RunId = typeof RunId.Type

/** The id of one attempt of a run: `<runId>:attempt:<number>`, counted from 1. */
export const AttemptId = Schema.NonEmptyString.pipe(Schema.brand("patchmoi/AttemptId"))
export type AttemptId = typeof AttemptId.Type

/** The proof that a worker holds an attempt. Unguessable; a write without it is refused. */
export const LeaseToken = Schema.NonEmptyString.pipe(Schema.brand("patchmoi/LeaseToken"))
export type LeaseToken = typeof LeaseToken.Type

/** The id of a watched source, from the sources file. */
export const SourceId = boundedId.pipe(Schema.brand("patchmoi/SourceId"))
export type SourceId = typeof SourceId.Type

/** The id of a maintenance attempt: `<eventId>:<operation>:<time>`, with a count where an event has several of one time. */
export const MaintenanceAttemptId = Schema.NonEmptyString.pipe(Schema.brand("patchmoi/MaintenanceAttemptId"))
export type MaintenanceAttemptId = typeof MaintenanceAttemptId.Type

/** The id of a dispatch record: `<eventId>:<operation>:<generation>`. */
export const DispatchId = Schema.NonEmptyString.pipe(Schema.brand("patchmoi/DispatchId"))
export type DispatchId = typeof DispatchId.Type

/** What identifies a run: one step of one flow, for one event and one generation (0 is the first dispatch). */
export interface RunKey {
  readonly eventId: EventId
  readonly flowName: string
  readonly stepName: string
  readonly generation: number
}

/** Makes the id of a run out of what identifies it. The same key gives the same id on every machine. */
export const makeRunId = (key: RunKey): RunId =>
  RunId.make(`run_${digest128([key.eventId, key.flowName, key.stepName, String(key.generation)])}`)

/**
 * Makes the id of a follow-up event that a step gave without one: the same run and position, the same id. `round` counts
 * how often the run was approved and ran again: what follows from each round is another event.
 */
export const makeFollowUpEventId = (runId: RunId, index: number, round = 0): EventId =>
  EventId.make(round === 0 ? `next:${runId}:${index}` : `next:${runId}:${round}:${index}`)

/** Makes the id of the attempt with this number (1, 2, 3 …) of a run. */
export const makeAttemptId = (runId: RunId, attemptNumber: number): AttemptId =>
  AttemptId.make(`${runId}:attempt:${attemptNumber}`)
