/** One poll of every source, and the runs that it starts, to their end. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FeedHttp from "../../intake/FeedHttp.ts"
import { readSourcesFile } from "../../intake/SourcesFile.ts"
import * as WatchService from "../../intake/WatchService.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { follow } from "../following.ts"
import { awaitAbort } from "../interruption.ts"
import { layerRecord } from "../record.ts"
import { type EventResults, exitCodeOf, printEvents, readResults, toJson } from "../results.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import type { WatchPlaces } from "./flags.ts"
import { pollColumns } from "./pollColumns.ts"

/** A source that failed or is broken is exit code 1, whatever the others found. */
export const pollOnce = async (session: Session, places: WatchPlaces): Promise<ExitCode> => {
  // Known before the engine starts: what is still queued in the record may run at once.
  const { secretNames } = await runWith(session, Layer.empty, readSourcesFile(places.sourcesFile))
  const secrets = [...secretNames]
  const record = layerRecord(session, {
    state: { kind: "file", dataDir: places.dataDir, access: "write" },
    environment: "service",
    secrets
  })
  const onSecretNames = (names: ReadonlyArray<string>): void => void secrets.push(...names)
  return runWith(session, Layer.merge(record, FeedHttp.layer()), poll(session, { ...places, onSecretNames }))
}

// --- internal ---

const poll = (session: Session, options: WatchService.WatchOptions) =>
  Effect.gen(function* () {
    const watch = yield* WatchService.make(options)
    for (const problem of watch.predecessorProblems) yield* Effect.logWarning(problem)
    const stopped = Effect.as(awaitAbort(session.caller.interruption()), nothingPolled)
    const { started, events, interrupted } = yield* follow(
      session,
      Effect.raceFirst(watch.pollOnce, stopped),
      eventsOf
    )
    const results = yield* readResults(events)
    print(session, started, results)
    if (interrupted !== undefined) return exitCodes.interrupted
    const worst = exitCodeOf(results)
    const isPartial = started.broken.length > 0 || started.polls.some(({ outcome }) => outcome === "failed")
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

const print = (
  session: Session,
  { polls, broken, warnings }: WatchService.WatchReport,
  results: ReadonlyArray<EventResults>
): void => {
  if (session.json) {
    session.printJson({
      polls,
      broken: broken.map(({ index, id, problems, message }) => ({ index, id, problems, message })),
      warnings,
      events: results.map(toJson)
    })
    return
  }
  session.printRows(pollColumns(session), polls)
  if (session.forPeople) printEvents(session, results)
  for (const { message } of broken) session.note(message)
  for (const { path, message } of warnings) session.note(oneLine(`${path}: ${message}`))
}
