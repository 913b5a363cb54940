/** One poll of every source, and the runs that it starts, to their end. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerOverStore } from "../../compose.ts"
import { layerStore } from "../../composeEngine.ts"
import * as FeedHttp from "../../intake/FeedHttp.ts"
import { readSourcesFile } from "../../intake/SourcesFile.ts"
import * as WatchService from "../../intake/WatchService.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { follow } from "../following.ts"
import { awaitAbort } from "../interruption.ts"
import type { FollowedEvent } from "../RunWatch.ts"
import { recordState } from "../recordOptions.ts"
import { type EventResults, exitCodeOf, printEvents, readResults, toJson } from "../results.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import type { WatchPlaces } from "./flags.ts"
import { type LeftRuns, readLeftRuns, readWaiting, takenUp, type WaitingRun } from "./leftRuns.ts"
import { pollColumns } from "./pollColumns.ts"

/** A source that failed or is broken is exit code 1, whatever the others found. */
export const pollOnce = async (session: Session, places: WatchPlaces): Promise<ExitCode> => {
  // Known before the engine starts: what is still queued in the record may run at once.
  const known = await runWith(session, Layer.empty, readSourcesFile(places.sourcesFile))
  const { secretNames, sources, broken } = known
  if (sources.length + broken.length === 0 && !session.json)
    session.note(`no sources in ${places.sourcesFile}`)
  const secrets = [...secretNames]
  const state = recordState(places.dataDir, "write", places.store)
  const onSecretNames = (names: ReadonlyArray<string>): void => void secrets.push(...names)
  const engine = layerOverStore({
    workspaceRoot: session.directory,
    state,
    environment: { mode: "service", values: session.caller.env, secrets },
    engine: { launchedBy: "patchmoi-cli" }
  })
  const polling = Effect.flatMap(readLeftRuns, (left) =>
    Effect.flatMap(Layer.build(engine), (services) =>
      Effect.provide(
        poll(session, { ...places, variables: session.caller.env, onSecretNames }, left),
        services
      )
    )
  ).pipe(Effect.scoped)
  return runWith(session, Layer.merge(layerStore(state), FeedHttp.layer()), polling)
}

// --- internal ---

const poll = (session: Session, options: WatchService.WatchOptions, left: LeftRuns) =>
  Effect.gen(function* () {
    const signal = session.caller.interruption()
    const watch = yield* WatchService.make(options)
    for (const problem of watch.predecessorProblems) yield* Effect.logWarning(problem)
    noteRecovered(session, left)
    const polled = Effect.gen(function* () {
      const report = yield* watch.pollOnce
      return { report, events: merge(eventsOf(report), yield* takenUp(left.runIds)) }
    })
    const stopped = Effect.as(awaitAbort(signal), { report: nothingPolled, events: [] })
    const first = yield* follow(session, Effect.raceFirst(polled, stopped), ({ events }) => events)
    const { report } = first.started
    const all = [...first.events]
    // A retry of a left run can have come due meanwhile: what has begun is awaited.
    while (!signal.aborted) {
      const seen = new Set(all.flatMap(({ runIds }) => runIds))
      const begun = yield* takenUp(left.runIds.filter((runId) => !seen.has(runId)))
      if (begun.length === 0) break
      all.push(...(yield* follow(session, Effect.succeed(begun), (events) => events)).events)
    }
    const results = yield* readResults(all)
    print(session, { report, results, left, waiting: yield* readWaiting })
    if (signal.aborted) return exitCodes.interrupted
    const worst = exitCodeOf(results)
    const isPartial = report.broken.length > 0 || report.polls.some(({ outcome }) => outcome === "failed")
    return worst === exitCodes.good && isPartial ? exitCodes.failed : worst
  })

const nothingPolled: WatchService.WatchReport = {
  polls: [],
  broken: [],
  warnings: [],
  eventIds: [],
  runIds: []
}

const eventsOf = ({ polls }: WatchService.WatchReport) =>
  polls.flatMap(({ signals }) =>
    signals.flatMap(({ eventId, runIds }) => (eventId === undefined ? [] : [{ eventId, runIds }]))
  )

/** Each event once, with all of its runs: an event of this poll may be known already, with runs that were left. */
const merge = (
  polled: ReadonlyArray<FollowedEvent>,
  left: ReadonlyArray<FollowedEvent>
): ReadonlyArray<FollowedEvent> => {
  const events = new Map<string, Set<string>>()
  for (const { eventId, runIds } of [...polled, ...left]) {
    events.set(eventId, new Set([...(events.get(eventId) ?? []), ...runIds]))
  }
  return [...events].map(([eventId, runIds]) => ({ eventId, runIds: [...runIds] }))
}

const noteRecovered = (session: Session, { recovered }: LeftRuns): void => {
  if (session.json || recovered.length === 0) return
  const names = recovered.map(({ id, flowName, stepName }) => `${flowName}/${stepName} (${id})`).join(", ")
  session.note(oneLine(`${runsText(recovered.length)} that an earlier process left under way: ${names}`))
}

const print = (
  session: Session,
  told: {
    readonly report: WatchService.WatchReport
    readonly results: ReadonlyArray<EventResults>
    readonly left: LeftRuns
    readonly waiting: ReadonlyArray<WaitingRun>
  }
): void => {
  const { results, waiting, left } = told
  const { polls, broken, warnings } = told.report
  if (session.json) {
    session.printJson({
      polls,
      broken: broken.map(({ index, id, problems, message }) => ({ index, id, problems, message })),
      warnings,
      events: results.map(toJson),
      recovered: left.recovered.map(({ id }) => id),
      waiting
    })
    return
  }
  session.printRows(pollColumns(session), polls)
  if (session.forPeople) printEvents(session, results)
  for (const { message } of broken) session.note(message)
  for (const { path, message } of warnings) session.note(oneLine(`${path}: ${message}`))
  const last = waiting.at(-1)
  if (last === undefined) return
  const verb = waiting.length === 1 ? "is" : "are"
  session.note(`${runsText(waiting.length)} ${verb} still queued until ${last.until}: patchmoi run list`)
}

const runsText = (count: number): string => `${count} ${count === 1 ? "run" : "runs"}`
