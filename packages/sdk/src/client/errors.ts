/**
 * What the methods of a client throw. Plain error classes with a `_tag` and the facts as fields, so that a caller can use
 * `instanceof` or switch on `_tag` without loading Effect.
 */

/** The base of everything that a client throws on purpose. Anything else that is thrown is a bug of patchmoi. */
export abstract class FlowError extends Error {
  abstract readonly _tag: string
}

const define = <const Tag extends string, Facts extends object = object>(tag: Tag) =>
  class extends FlowError {
    readonly _tag = tag
    override readonly name: string = tag
    constructor(message: string, facts: Facts) {
      super(message)
      // Not assigned: the runtime's errors have a hidden `line` of their own, which would hide that of a file.
      for (const [field, value] of Object.entries(facts)) {
        Object.defineProperty(this, field, { value, enumerable: true })
      }
    }
  } as unknown as new (
    message: string,
    facts: Facts
  ) => FlowError & Readonly<Facts> & { readonly _tag: Tag }

/** What was dispatched is not an event; `field` says where. Nothing was recorded. */
export class InvalidEvent extends define<"InvalidEvent", { field: string; reason: string }>("InvalidEvent") {}
/** There is no event with this id. */
export class UnknownEvent extends define<"UnknownEvent", { eventId: string }>("UnknownEvent") {}
/** The history of the event was compacted: it cannot be replayed. Nothing was recorded. */
export class EventForgotten extends define<"EventForgotten", { eventId: string; compactedAt: string }>(
  "EventForgotten"
) {}
/** There is no run with this id. */
export class UnknownRun extends define<"UnknownRun", { runId: string }>("UnknownRun") {}
/** There is no maintenance attempt with this id. */
export class UnknownMaintenanceAttempt extends define<"UnknownMaintenanceAttempt", { attemptId: string }>(
  "UnknownMaintenanceAttempt"
) {}
/** The run has ended; there is nothing to cancel. */
export class RunAlreadyEnded extends define<"RunAlreadyEnded", { runId: string; processStatus: string }>(
  "RunAlreadyEnded"
) {}
/** The run does not wait for an approval. */
export class RunNotAwaitingApproval extends define<
  "RunNotAwaitingApproval",
  { runId: string; status: string }
>("RunNotAwaitingApproval") {}
/** The decision does not answer the question of the run; `field` says where. Nothing was recorded. */
export class InvalidDecision extends define<
  "InvalidDecision",
  { runId: string; field: string; reason: string }
>("InvalidDecision") {}
/** So many runs wait that no event is taken in that would queue more. Nothing was recorded; send it again later. */
export class QueueFull extends define<
  "QueueFull",
  { queued: number; queueMax: number; retryAfterMillis: number }
>("QueueFull") {}
/** The cursor does not belong to this list. */
export class CursorInvalid extends define<"CursorInvalid", { cursor: string }>("CursorInvalid") {}
/** The client was opened with `state: false` and has nothing to be asked for. */
export class StateDisabled extends define<"StateDisabled", { operation: string }>("StateDisabled") {}
/** Another client or process writes into the store; `owner` says which. */
export class StoreLocked extends define<
  "StoreLocked",
  { directory: string; file: string; owner: { pid: number; host: string; at: number } }
>("StoreLocked") {}
/** The log is damaged; `patchmoi log repair` mends it. */
export class LogDamaged extends define<
  "LogDamaged",
  { file: string; line: number; offset: number; reason: string }
>("LogDamaged") {}
/** The folder cannot be opened as a record; `reason` says which of four ways. Nothing in it was changed. */
export class RecordUnusable extends define<
  "RecordUnusable",
  { dataDir: string; reason: "notAFolder" | "twoStores" | "otherStore" | "database"; detail: string }
>("RecordUnusable") {}
/** The disk refused. Whether the last write took place is unknown: read before trying again. */
export class StoreError extends define<"StoreError", { operation: string; reason: string }>("StoreError") {}
/** Other writers were faster every time. Nothing was written. */
export class VersionConflict extends define<
  "VersionConflict",
  { stream: string; expected: number; actual: number }
>("VersionConflict") {}
/** The sources file as a whole cannot be used; the place is there when it is not JSON, counted from 1. */
export class SourcesFileError extends define<
  "SourcesFileError",
  { file: string; reason: string; atLine?: number; atColumn?: number }
>("SourcesFileError") {}
/** An option of the client is not what it must be; nothing was opened. `field` names it. */
export class InvalidOptions extends define<"InvalidOptions", { field: string }>("InvalidOptions") {}
/** The server cannot be reached, or the connection broke off. Whether a write took place is unknown. */
export class BackendUnreachable extends define<
  "BackendUnreachable",
  { baseUrl: string; reason: string; attempts: number }
>("BackendUnreachable") {}
/** The server takes nothing now: its queue is full, a rate limit is reached, or it stops. Nothing was recorded. */
export class BackendBusy extends define<
  "BackendBusy",
  { status: number; code: string; reason: string; retryAfterMillis?: number }
>("BackendBusy") {}
/**
 * The server does not accept the request: 401 and 403 who asks, others what is asked. So does a client on this machine with
 * what a server would refuse. Nothing was recorded.
 */
export class BackendRefused extends define<
  "BackendRefused",
  { status: number; code: string; reason: string; field?: string; hint?: string }
>("BackendRefused") {}
/** The server failed, or answers what no patchmoi server answers. Whether a write took place is unknown. */
export class BackendFailed extends define<"BackendFailed", { status: number; code: string; reason: string }>(
  "BackendFailed"
) {}
/** The client is closed. */
export class ClientClosed extends define<"ClientClosed">("ClientClosed") {}

const byTag: Readonly<Record<string, new (message: string, facts: never) => FlowError>> = {
  InvalidEvent,
  UnknownEvent,
  EventForgotten,
  UnknownRun,
  UnknownMaintenanceAttempt,
  RunAlreadyEnded,
  RunNotAwaitingApproval,
  InvalidDecision,
  QueueFull,
  CursorInvalid,
  StateDisabled,
  StoreLocked,
  LogDamaged,
  RecordUnusable,
  StoreError,
  VersionConflict,
  SourcesFileError,
  BackendUnreachable,
  BackendBusy,
  BackendRefused,
  BackendFailed
}

/** The client's error for a tagged error of the core; anything else as it is. */
export const toFlowError = (error: unknown): unknown => {
  if (!(error instanceof Error) || !("_tag" in error)) return error
  const Known = byTag[String(error._tag)]
  return Known === undefined ? error : new Known(error.message, factsOf(error) as never)
}

// --- internal ---

/** The fields that the class of a tagged error declares, as far as this one has them. */
const factsOf = (error: Error): Readonly<Record<string, unknown>> => {
  const { constructor: kind } = error
  const declared = "fields" in kind && typeof kind.fields === "object" ? Object.keys(kind.fields ?? {}) : []
  return Object.fromEntries(
    declared
      .filter((field) => field !== "_tag")
      .map((field) => [field, Reflect.get(error, field)])
      .filter(([, value]) => value !== undefined)
  )
}
