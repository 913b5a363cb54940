/** Runs that an earlier process left in the record, and those that this one leaves. */
import { RunId } from "@patchmoi/core/Ids"
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { Runs } from "@patchmoi/core/run/Runs"
import { Store } from "@patchmoi/core/store/Store"
import { toIso } from "@patchmoi/core/Time"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { FollowedEvent } from "../RunWatch.ts"

/** Most runs of one kind that are looked at; the scheduler looks at no more. */
const runsMax = 10_000

/** What the record held before the engine took it up. */
export interface LeftRuns {
  /** Every run that had not ended. */
  readonly runIds: ReadonlyArray<RunId>
  /** Those of them that were under way when their process went. */
  readonly recovered: ReadonlyArray<RunDocument>
}

/** A run that waits for its next attempt. */
export interface WaitingRun {
  readonly runId: string
  readonly flow: string
  readonly step: string
  /** When the attempt may start, ISO 8601. */
  readonly until: string
}

/** Reads what an earlier process left; to be called before there is an engine. */
export const readLeftRuns = Effect.gen(function* () {
  const recovered = yield* listRuns({ index: "byStatus", prefix: ["running"] })
  const queued = yield* listRuns({ index: "byStatus", prefix: ["queued"] })
  const left: LeftRuns = { runIds: [...recovered, ...queued].map(({ id }) => id), recovered }
  return left
})

/** Those of the runs that this process executes or has executed, by event: not those whose next attempt is not due yet. */
export const takenUp = (runIds: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const store = yield* Store
    const now = yield* Clock.currentTimeMillis
    const events = new Map<string, Array<string>>()
    for (const runId of runIds) {
      const run = Option.getOrUndefined(yield* store.load(Runs, RunId.make(runId, true)))
      if (run === undefined || (run.processStatus === "queued" && (run.retryAt ?? 0) > now)) continue
      events.set(run.eventId, [...(events.get(run.eventId) ?? []), run.id])
    }
    return [...events].map(([eventId, ids]): FollowedEvent => ({ eventId, runIds: ids }))
  })

/** The runs that wait for their next attempt, the first due first. */
export const readWaiting = Effect.map(listRuns({ index: "retry", prefix: [] }), (runs) =>
  runs.flatMap(
    ({ id, flowName, stepName, retryAt }): ReadonlyArray<WaitingRun> =>
      retryAt === undefined ? [] : [{ runId: id, flow: flowName, step: stepName, until: toIso(retryAt) }]
  )
)

// --- internal ---

function listRuns(query: { readonly index: string; readonly prefix: ReadonlyArray<string> }) {
  return Effect.gen(function* () {
    const store = yield* Store
    const runs: Array<RunDocument> = []
    let cursor: string | undefined
    do {
      const more = cursor === undefined ? {} : { cursor }
      const page = yield* store.list(Runs, { ...query, order: "ascending", limit: 500, ...more })
      runs.push(...page.items)
      cursor = page.cursor
    } while (cursor !== undefined && runs.length < runsMax)
    return runs
  }).pipe(Effect.catchTag("CursorInvalid", Effect.die))
}
