/** What came of an event and its follow-ups: printed for people and for scripts, and as an exit code. */
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { Runs } from "@patchmoi/core/run/Runs"
import { effectiveStatusOf } from "@patchmoi/core/run/RunView"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type ExitCode, exitCodes } from "./exitCodes.ts"
import type { FollowedEvent } from "./RunWatch.ts"
import type { Session } from "./Session.ts"
import { statusStyle } from "./text/style.ts"
import type { Column } from "./text/table.ts"

/** The runs of one event. */
export interface EventResults {
  readonly eventId: string
  readonly runs: ReadonlyArray<RunDocument>
}

/** Reads the runs of each event as they are now. */
export const readResults = (events: ReadonlyArray<FollowedEvent>) =>
  Effect.flatMap(Store, (store) =>
    Effect.forEach(events, ({ eventId, runIds }) =>
      Effect.map(
        Effect.forEach(runIds, (runId) => store.load(Runs, runId)),
        (runs): EventResults => ({ eventId, runs: runs.flatMap(Option.toArray) })
      )
    )
  )

/**
 * Prints the results: a table on a terminal; elsewhere the object that scripts read, `{ eventId, results: [{ flow, step,
 * result, … }] }`. `facts` are further fields of the object.
 */
export const printResults = (
  session: Session,
  all: ReadonlyArray<EventResults>,
  facts: Readonly<Record<string, unknown>>
): void => {
  const [first, ...followUps] = all
  if (first === undefined) return
  if (!session.forPeople) {
    const more = followUps.length === 0 ? {} : { followUps: followUps.map(toJson) }
    session.printJson({ ...toJson(first), ...more, ...facts })
    return
  }
  printEvents(session, all)
}

/** Prints each event with a table of its runs, for people. */
export const printEvents = (session: Session, all: ReadonlyArray<EventResults>): void => {
  for (const { eventId, runs } of all) {
    session.print(`${session.styles.bold(eventId)}${runs.length === 0 ? ": no step matched" : ""}\n`)
    session.printRows(columnsOf(session), runs)
  }
}

/** The results of an event as scripts read them. */
export const toJson = ({ eventId, runs }: EventResults) => ({
  eventId,
  results: runs.map((run) => ({
    flow: run.flowName,
    step: run.stepName,
    ...(run.result === undefined ? {} : { result: run.result }),
    status: effectiveStatusOf(run),
    runId: run.id,
    ...(run.error === undefined ? {} : { error: run.error }),
    ...(run.exit === undefined ? {} : { exit: run.exit })
  }))
})

/** The exit code of runs: what a person must look at comes first, then what failed. */
export const exitCodeOf = (all: ReadonlyArray<EventResults>): ExitCode => {
  const statuses = all.flatMap(({ runs }) => runs.map((run) => effectiveStatusOf(run)))
  if (statuses.some((status) => status === "needs_intervention" || status === "blocked")) {
    return exitCodes.needsAttention
  }
  return statuses.some((status) => status === "failed" || status === "canceled")
    ? exitCodes.failed
    : exitCodes.good
}

// --- internal ---

const columnsOf = ({ styles }: Session): ReadonlyArray<Column<RunDocument>> => [
  {
    title: "STATUS",
    of: (run) => effectiveStatusOf(run),
    style: (run) => statusStyle(styles, effectiveStatusOf(run))
  },
  { title: "FLOW", of: ({ flowName }) => flowName, shrinks: true },
  { title: "STEP", of: ({ stepName }) => stepName, shrinks: true },
  { title: "RUN", of: ({ id }) => id },
  { title: "SAYS", of: ({ error, result }) => error ?? result?.message ?? "", shrinks: true }
]
