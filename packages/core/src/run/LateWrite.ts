/**
 * Writes that come too late: the worker does not hold its attempt any more, and what it wants to write is refused.
 * Nothing of it changes the run; that it came is kept, so that it is not lost in silence.
 */
import * as Schema from "effect/Schema"
import { AttemptId } from "../Ids.ts"

/** What the worker wanted to write: the end of the attempt, a renewal of its lease, output, or its process. */
export const LateWriteKind = Schema.Literal("end", "heartbeat", "output", "process")
export type LateWriteKind = typeof LateWriteKind.Type

/**
 * Why it was refused: the lease had run out, another attempt had taken the run over, the run had been canceled, or the run
 * had ended.
 */
export const LateWriteReason = Schema.Literal("expired", "taken", "canceled", "ended")
export type LateWriteReason = typeof LateWriteReason.Type

/** Longest summary of a refused end, in UTF-16 code units; a longer one is cut. */
export const lateSummaryLengthMax = 1_000

/** How many refused writes of a run are kept; later ones leave no fact. */
export const lateWritesMax = 64

/** A refused write, as a run remembers it. */
export const LateWrite = Schema.Struct({
  /** ISO 8601, UTC. */
  at: Schema.String,
  attemptId: AttemptId,
  kind: LateWriteKind,
  reason: LateWriteReason,
  summary: Schema.optional(Schema.String)
})
export interface LateWrite extends Schema.Schema.Type<typeof LateWrite> {}

/** The attempt that a write names, and the token that it shows. */
export interface AttemptClaim {
  readonly attemptId: string
  readonly leaseToken: string
}

/** What there is to know of a run to say whose it is. */
export interface AttemptHolders {
  readonly processStatus: string
  readonly attempts: ReadonlyArray<{
    readonly id: string
    readonly leaseToken: string
    readonly status: string
  }>
}

/**
 * Why the holder of this token may not write for this attempt, as far as the facts tell; undefined when it may. Whether the
 * lease has run out by the clock is for who knows the lease.
 */
export const lateReasonOf = (
  run: AttemptHolders,
  { attemptId, leaseToken }: AttemptClaim
): LateWriteReason | undefined => {
  const current = run.attempts.at(-1)
  const isCurrent = current?.id === attemptId && current.leaseToken === leaseToken
  if (isCurrent && current.status === "running") return undefined
  if (run.processStatus === "canceled") return "canceled"
  if (!isCurrent) return "taken"
  return run.processStatus === "queued" ? "expired" : "ended"
}
