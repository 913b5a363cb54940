/**
 * The queued runs as lanes: those of one priority that share a concurrency key, or a flow when they have none. Lanes are
 * found one by one through the index of ready runs, so that a long lane costs no more than a short one; runs whose retry is
 * due join the lane that they belong to.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Either from "effect/Either"
import type { RunId } from "../Ids.ts"
import { lazily } from "../internal/lazily.ts"
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

/** The runs that are under way here, or about to be: in no lane, also while the store still has them as ready. */
export interface UnderWay {
  readonly has: (runId: RunId) => boolean
  /** How many of them the store may still have as ready. */
  readonly claimingCount: () => number
}

/** Looks at the queue; `wanted` is how many runs of a lane may be asked for at most. */
export const look = (
  store: typeof Store.Service,
  underWay: UnderWay,
  wanted: number
): Effect.Effect<Lanes, StoreError> =>
  Effect.gen(function* () {
    const { due, nextRetryAt } = yield* dueRetries(store)
    const limit = Math.min(wanted + underWay.claimingCount(), pageSize)
    const read: ReadReady = (prefix, after) => readReady(store, underWay, { prefix, after, limit })
    const headAfter = makeHeads(read)
    const after: Lanes["after"] = (place) =>
      Effect.gen(function* () {
        const head = yield* headAfter(place === undefined ? undefined : behind(place))
        const run = head === undefined ? undefined : yield* head.ready.run()
        const ready = run === undefined ? undefined : placeOf(run)
        const retry = due.places.find((one) => place === undefined || one > place)
        const lane = ready === undefined || (retry !== undefined && retry < ready) ? retry : ready
        if (lane === undefined) return undefined
        const waiting = due.runs.get(lane) ?? []
        const sample = lane === ready ? run : waiting[0]
        if (sample === undefined) return undefined
        const known = head !== undefined && lane === ready ? laneOfPage(head.page, lane) : undefined
        return { place: lane, priority: sample.plan.priority, next: oldestFirst(read, lane, waiting, known) }
      })
    return { after, nextRetryAt }
  })

// --- internal ---

/** The first place after every run of a lane: a place ends with U+0001, and U+0002 begins what no lane begins with. */
const behind = (place: string): string => (place.endsWith("\u0001") ? `${place.slice(0, -1)}\u0002` : place)

const runOf = ({ key, value }: ListedDocument): Either.Either<RunDocument, StoreError> =>
  parseDocument(streamOf(Runs, key), value)

/** A ready run, which is read when it is looked at. */
interface ReadyRun {
  readonly sort: string
  readonly run: () => Either.Either<RunDocument, StoreError>
}

/** Ready runs that follow each other, without those that are under way. */
interface ReadyPage {
  /** What it begins behind; undefined for the first of all. */
  readonly after: string | undefined
  readonly ready: ReadonlyArray<ReadyRun>
  /** What the next page begins behind. */
  readonly last: string | undefined
  readonly isEnd: boolean
}

type ReadReady = (prefix: string, after: string | undefined) => Effect.Effect<ReadyPage, StoreError>

const readReady = (
  { driver }: typeof Store.Service,
  underWay: UnderWay,
  range: { readonly prefix: string; readonly after: string | undefined; readonly limit: number }
): Effect.Effect<ReadyPage, StoreError> => {
  const { prefix, after, limit } = range
  return Effect.map(
    driver.list({
      ...{ view: Runs.name, index: "ready", prefix, order: "ascending", limit },
      ...(after === undefined ? {} : { after })
    }),
    (listed) => ({
      after,
      ready: listed.flatMap((one) =>
        underWay.has(one.key as RunId) ? [] : [{ sort: one.sort, run: lazily(() => runOf(one)) }]
      ),
      last: listed.at(-1)?.sort ?? after,
      isEnd: listed.length < limit
    })
  )
}

/** Finds the first ready run behind a place. The first page of all is kept, and the page that was read last. */
const makeHeads = (read: ReadReady) => {
  let first: ReadyPage | undefined
  let current: ReadyPage | undefined
  const pageAt = (from: string | undefined): ReadyPage | undefined =>
    [current, first].find(
      (page) => page !== undefined && (page.after === undefined || (from !== undefined && from >= page.after))
    )
  return (from: string | undefined) =>
    Effect.gen(function* () {
      let page = pageAt(from) ?? (yield* read("", from))
      first ??= page.after === undefined ? page : undefined
      while (true) {
        current = page
        const ready = page.ready.find(({ sort }) => from === undefined || sort > from)
        if (ready !== undefined) return { ready, page }
        if (page.isEnd) return undefined
        const { last } = page
        page = yield* read("", last === undefined || (from !== undefined && from > last) ? from : last)
      }
    })
}

/** What a page has of a lane. */
const laneOfPage = (page: ReadyPage, place: LanePlace): ReadyPage => {
  const goesOn = !page.isEnd && page.last?.startsWith(place) === true
  return { ...page, ready: page.ready.filter(({ sort }) => sort.startsWith(place)), isEnd: !goesOn }
}

/** The ready runs of a lane, of which the first may be known, and its due retries, merged by age. */
const oldestFirst = (
  read: ReadReady,
  place: LanePlace,
  due: ReadonlyArray<RunDocument>,
  known: ReadyPage | undefined
): Lane["next"] => {
  const retries = [...due]
  let page = known
  let ready = [...(known?.ready ?? [])]
  return Effect.gen(function* () {
    while (ready.length === 0 && page?.isEnd !== true) {
      page = yield* read(place, page?.last)
      ready = [...page.ready]
    }
    const [retry] = retries
    const head = ready[0] === undefined ? undefined : yield* ready[0].run()
    if (retry !== undefined && (head === undefined || retry.createdAt < head.createdAt)) {
      return retries.shift()
    }
    ready.shift()
    return head
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
