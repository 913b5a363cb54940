/**
 * The queued runs as lanes: those of one priority that share a concurrency key, or a flow when they have none. Lanes are
 * found one by one through the index of ready runs, so that a long lane costs no more than a short one; runs whose retry is
 * due join the lane that they belong to.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { laneOf } from "../run/lane.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { Runs } from "../run/Runs.ts"
import { streamOf } from "../store/Aggregate.ts"
import type { ListedDocument } from "../store/Driver.ts"
import type { StoreError } from "../store/Log.ts"
import { parseDocument } from "../store/parseDocument.ts"
import { encodeSortKey } from "../store/SortKey.ts"
import type { Store } from "../store/Store.ts"

/** How many retries one look at the queue takes up. */
const dueMax = 10_000

/** How many runs are read at a time. */
const pageSize = 50

/** The place of a lane in the index of ready runs. */
export type LanePlace = string

/** The place before all lanes of a priority, which all its lanes begin with. */
export const placeOfPriority = (priority: number): string => encodeSortKey([-priority])

/** The priority that a run waits with, and the place of its lane. */
export const placeOf = (run: RunDocument): LanePlace => encodeSortKey([-run.plan.priority, laneOf(run)])

/** One lane, oldest run first. */
export interface Lane {
  readonly place: LanePlace
  readonly priority: number
  /** The next run; undefined when there is none left. */
  readonly next: Effect.Effect<RunDocument | undefined, StoreError>
}

/** The queue at one moment. */
export interface Lanes {
  /** The first lane after a place; the first of all when none is given. */
  readonly after: (place: string | undefined) => Effect.Effect<Lane | undefined, StoreError>
  /** When the next retry is due that is not yet. */
  readonly nextRetryAt: number | undefined
}

/** The first place after all lanes of a priority. A lane begins with a letter, which is below "~". */
export const afterPriority = (priority: number): string => `${placeOfPriority(priority)}~`

/** Looks at the queue; `pageMax` is how many runs of a lane are wanted at most. */
export const look = (store: typeof Store.Service, pageMax: number): Effect.Effect<Lanes, StoreError> =>
  Effect.gen(function* () {
    const { due, nextRetryAt } = yield* dueRetries(store)
    const limit = Math.min(pageMax, pageSize)
    /** The first ready run of all, which is asked for again and again. */
    let first: ReadyRun | undefined
    const headAfter = (from: string | undefined): Effect.Effect<ReadyRun | undefined, StoreError> => {
      if (first !== undefined && (from === undefined || from < first.sort)) return Effect.succeed(first)
      return Effect.map(readReady(store, "", from, 1), ([head]) => {
        if (from === undefined) first = head
        return head
      })
    }
    const after: Lanes["after"] = (place) =>
      Effect.gen(function* () {
        const head = yield* headAfter(place === undefined ? undefined : behind(place))
        const ready = head === undefined ? undefined : placeOf(head.run)
        const retry = due.places.find((one) => place === undefined || one > place)
        const lane = ready === undefined || (retry !== undefined && retry < ready) ? retry : ready
        if (lane === undefined) return undefined
        const waiting = due.runs.get(lane) ?? []
        const known = head !== undefined && lane === ready ? [head] : []
        const sample = known[0]?.run ?? waiting[0]
        if (sample === undefined) return undefined
        const { priority } = sample.plan
        return { place: lane, priority, next: oldestFirst(store, lane, waiting, known, limit) }
      })
    return { after, nextRetryAt }
  })

// --- internal ---

/** The first place after every run of a lane: a place ends with U+0001, and U+0002 begins what no lane begins with. */
const behind = (place: string): string => (place.endsWith("\u0001") ? `${place.slice(0, -1)}\u0002` : place)

interface ReadyRun {
  readonly run: RunDocument
  readonly sort: string
}

const runOf = ({ key, value }: ListedDocument): Either.Either<RunDocument, StoreError> =>
  parseDocument(streamOf(Runs, key), value)

const readReady = (
  { driver }: typeof Store.Service,
  prefix: string,
  after: string | undefined,
  limit: number
): Effect.Effect<ReadonlyArray<ReadyRun>, StoreError> =>
  Effect.flatMap(
    driver.list({
      view: Runs.name,
      index: "ready",
      prefix,
      order: "ascending",
      limit,
      ...(after === undefined ? {} : { after })
    }),
    (listed) => Either.all(listed.map((one) => Either.map(runOf(one), (run) => ({ run, sort: one.sort }))))
  )

/** The ready runs of a lane, of which the first are known, and its due retries, merged by age. */
const oldestFirst = (
  store: typeof Store.Service,
  place: LanePlace,
  due: ReadonlyArray<RunDocument>,
  known: ReadonlyArray<ReadyRun>,
  limit: number
): Lane["next"] => {
  const retries = [...due]
  let ready = [...known]
  let last = ready.at(-1)?.sort
  let isEnd = false
  return Effect.gen(function* () {
    if (ready.length === 0 && !isEnd) {
      ready = [...(yield* readReady(store, place, last, limit))]
      isEnd = ready.length < limit
      last = ready.at(-1)?.sort
    }
    const [retry] = retries
    const [head] = ready
    if (retry !== undefined && (head === undefined || retry.createdAt < head.run.createdAt)) {
      return retries.shift()
    }
    return ready.shift()?.run
  })
}

const dueRetries = (store: typeof Store.Service) =>
  Effect.gen(function* () {
    const now = yield* Clock.currentTimeMillis
    const runs = new Map<LanePlace, Array<RunDocument>>()
    let nextRetryAt: number | undefined
    let after: string | undefined
    for (let looked = 0; looked < dueMax && nextRetryAt === undefined; looked += pageSize) {
      const page = yield* store.driver.list({
        view: Runs.name,
        index: "retry",
        prefix: "",
        order: "ascending",
        limit: pageSize,
        ...(after === undefined ? {} : { after })
      })
      for (const listed of page) {
        const run = yield* runOf(listed)
        after = listed.sort
        if (run.retryAt !== undefined && run.retryAt > now) {
          nextRetryAt = run.retryAt
          break
        }
        const place = placeOf(run)
        runs.set(place, [...(runs.get(place) ?? []), run])
      }
      if (page.length < pageSize) break
    }
    for (const lane of runs.values()) lane.sort(byAge)
    return { due: { runs, places: [...runs.keys()].sort() }, nextRetryAt }
  })

const byAge = (left: RunDocument, right: RunDocument): number => (left.createdAt < right.createdAt ? -1 : 1)
