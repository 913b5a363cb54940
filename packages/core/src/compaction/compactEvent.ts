/** Compacts one event with everything that it led to, if all of that has ended: one commit. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { DispatchDocument } from "../dispatch/Dispatches.ts"
import { Dispatches } from "../dispatch/Dispatches.ts"
import type { EventDocument } from "../event/EventDocument.ts"
import { Events } from "../event/Events.ts"
import { MaintenanceAttempts } from "../maintenance/MaintenanceAttempts.ts"
import type { MaintenanceDocument } from "../maintenance/MaintenanceDocument.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { approvalAwaitedBy, hasEnded } from "../run/RunEvolve.ts"
import { Runs } from "../run/Runs.ts"
import { type AnyAggregate, documentWrite, streamOf } from "../store/Aggregate.ts"
import type { Driver, DriverCommit } from "../store/Driver.ts"
import type { StoreError } from "../store/Log.ts"
import { parseDocument } from "../store/parseDocument.ts"
import { encodeSortKey } from "../store/SortKey.ts"

/** What went with one event. */
export interface Gone {
  readonly runs: number
  readonly maintenanceAttempts: number
  readonly dispatches: number
  readonly facts: number
}

/** Dispatches of one event that are looked at; an event with more stays. */
const dispatchesMax = 500

/** What went, or undefined when the event stays: something of it goes on, ended later than `before`, or changed meanwhile. */
export const compactEvent = (
  driver: Driver,
  key: string,
  before: number,
  now: number
): Effect.Effect<Gone | undefined, StoreError> =>
  Effect.gen(function* () {
    const event = yield* load<EventDocument>(driver, Events, key)
    if (event.document === undefined) return undefined
    const runs = yield* Effect.forEach(event.document.runIds, (id) => load<RunDocument>(driver, Runs, id))
    const attempts = yield* Effect.forEach(event.document.maintenanceAttemptIds, (id) =>
      load<MaintenanceDocument>(driver, MaintenanceAttempts, id)
    )
    const dispatches = yield* dispatchesOf(driver, key)
    const isOver =
      dispatches.length <= dispatchesMax &&
      runs.every(({ document }) => document === undefined || isRunOver(document, before)) &&
      attempts.every(({ document }) => document === undefined || isAttemptOver(document, before)) &&
      dispatches.every(({ document }) => document === undefined || isDispatchOver(document, before))
    if (!isOver) return undefined
    const gone = [...runs, ...attempts, ...dispatches].filter(({ version }) => version > 0)
    const commit = commitOf(event, event.document, gone, runs, now)
    if (commit === undefined) return undefined
    const isTaken = yield* driver.commit(commit).pipe(
      Effect.as(true),
      Effect.catchTag("VersionConflict", () => Effect.succeed(false))
    )
    if (!isTaken) return undefined
    const count = (documents: ReadonlyArray<Loaded<unknown>>): number =>
      documents.filter(({ version }) => version > 0).length
    return {
      runs: count(runs),
      maintenanceAttempts: count(attempts),
      dispatches: count(dispatches),
      facts: [event, ...gone].reduce((sum, { version }) => sum + version, 0)
    }
  })

// --- internal ---

interface Loaded<Document> {
  readonly stream: string
  readonly key: string
  readonly version: number
  readonly document: Document | undefined
}

const load = <Document>(
  driver: Driver,
  aggregate: AnyAggregate,
  key: string
): Effect.Effect<Loaded<Document>, StoreError> => {
  const stream = streamOf(aggregate, key)
  return Effect.flatMap(driver.load(aggregate.name, key, stream), ({ version, value }) =>
    Either.map(
      value === undefined ? Either.right(undefined) : parseDocument<Document>(stream, value),
      (document) => ({ stream, key, version, document })
    )
  )
}

const dispatchesOf = (
  driver: Driver,
  eventId: string
): Effect.Effect<ReadonlyArray<Loaded<DispatchDocument>>, StoreError> =>
  Effect.flatMap(
    driver.list({
      view: Dispatches.name,
      index: "byEvent",
      prefix: encodeSortKey([eventId]),
      order: "ascending",
      limit: dispatchesMax + 1
    }),
    (listed) =>
      Either.all(
        listed.map(({ key, version, value }) => {
          const stream = streamOf(Dispatches, key)
          return Either.map(parseDocument<DispatchDocument>(stream, value), (document) => ({
            stream,
            key,
            version,
            document
          }))
        })
      )
  )

const isRunOver = (run: RunDocument, before: number): boolean =>
  hasEnded(run.processStatus) && approvalAwaitedBy(run) === undefined && Date.parse(run.updatedAt) < before

const isAttemptOver = (attempt: MaintenanceDocument, before: number): boolean =>
  attempt.status !== "started" && Date.parse(attempt.updatedAt) < before

const isDispatchOver = ({ status, createdAt, updatedAt }: DispatchDocument, before: number): boolean =>
  status !== "pending" && Date.parse(updatedAt ?? createdAt) < before

/** The commit that leaves of everything only what answers duplicates. Undefined for an event that was compacted before. */
const commitOf = (
  { key, stream, version }: Loaded<EventDocument>,
  document: EventDocument,
  gone: ReadonlyArray<Loaded<unknown>>,
  runs: ReadonlyArray<Loaded<RunDocument>>,
  now: number
): DriverCommit | undefined => {
  const [fact] = Either.getOrElse(Events.decide({ _tag: "Compact" }, document, key), () => [])
  if (fact === undefined) return undefined
  const next = version + 1
  return {
    expected: [
      { stream, version },
      ...gone.map((loaded) => ({ stream: loaded.stream, version: loaded.version }))
    ],
    facts: [{ stream, version: next, at: now, type: fact._tag, data: Events.encodeFact(fact) }],
    documents: [documentWrite(Events, key, next, Events.evolve(document, fact, { key, at: now }))],
    forget: {
      streams: gone.map((loaded) => loaded.stream),
      histories: [stream],
      attempts: runs.flatMap((run) => run.document?.attempts.map(({ id }) => id) ?? [])
    }
  }
}
