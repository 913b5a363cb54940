/** What a cascade is after what happened, and what earlier ones say about a target. */
import * as Schema from "effect/Schema"
import { RunId } from "../Ids.ts"
import { CascadeTransport, TargetIntent, TryOutcome } from "./CascadeFact.ts"

/** Where a target stands. `pending`: it is to be written and was not, as far as is known. */
export const TargetStatus = Schema.Literal("pending", "disabled", ...TryOutcome.literals)
export type TargetStatus = typeof TargetStatus.Type

/** One target of a cascade. */
export const TargetState = Schema.Struct({
  target: Schema.String,
  status: TargetStatus,
  intent: TargetIntent,
  how: CascadeTransport,
  /** Tries so far. */
  tries: Schema.Int,
  commit: Schema.optional(Schema.String),
  code: Schema.optional(Schema.String),
  reason: Schema.optional(Schema.String)
})
export interface TargetState extends Schema.Schema.Type<typeof TargetState> {}

/**
 * How a cascade stands: `running` until it is finished; then `failed` when a target was not reached, `needs_person` when
 * none failed and one is pinned, else `completed`.
 */
export const CascadeStatus = Schema.Literal("running", "completed", "failed", "needs_person")
export type CascadeStatus = typeof CascadeStatus.Type

/** One version on its way into many repositories, or arrived there: how it stands as a whole, and at each target. */
export const CascadeDocument = Schema.Struct({
  id: Schema.String,
  name: Schema.String,
  version: Schema.String,
  /** The path of the version file. */
  file: Schema.String,
  status: CascadeStatus,
  targets: Schema.Array(TargetState),
  /** The run that did it, when it was a run. */
  runId: Schema.optional(RunId),
  /** When it was planned, and when something last happened to it; ISO 8601, UTC. */
  createdAt: Schema.String,
  updatedAt: Schema.String,
  /** ISO 8601, UTC; absent while it is `running`. */
  finishedAt: Schema.optional(Schema.String)
})
export interface CascadeDocument extends Schema.Schema.Type<typeof CascadeDocument> {}

/** What was last told to a target by a cascade, and how. */
export interface LastWritten {
  readonly version: string
  readonly how: CascadeTransport
  readonly commit?: string
}

/**
 * What each target was last told, by target; from the cascades of one name, the newest first. A target of which they say
 * nothing is left out. `up-to-date` counts for a push: the file was seen to hold the version.
 */
export const lastWrittenOf = (cascades: Iterable<CascadeDocument>): ReadonlyMap<string, LastWritten> => {
  const found = new Map<string, LastWritten>()
  for (const { targets, version } of cascades) {
    for (const { commit, how, status, target } of targets) {
      if (found.has(target)) continue
      if (status === "written" || status === "dispatched" || (status === "up-to-date" && how === "push")) {
        found.set(target, { version, how, ...(commit === undefined ? {} : { commit }) })
      }
    }
  }
  return found
}

/** How a finished cascade ended. */
export const statusOf = (targets: ReadonlyArray<Pick<TargetState, "status">>): CascadeStatus => {
  const has = (...statuses: ReadonlyArray<TargetStatus>) =>
    targets.some(({ status }) => statuses.includes(status))
  if (has("failed", "raced", "pending")) return "failed"
  return has("pinned") ? "needs_person" : "completed"
}
