/**
 * Which queued runs start next.
 *
 * 1. Higher priority first. Within a priority the lanes (`Lanes.ts`) take turns, beginning after the one that was served last;
 *    within a lane the older run is first.
 * 2. A run that its limits hold back holds back its lane at most, never another one.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { RunId } from "../Ids.ts"
import { type LimitClaim, Limits, limitsOf } from "../limit/Limits.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { approvalAwaitedBy, hasEnded } from "../run/RunEvolve.ts"
import { Runs } from "../run/Runs.ts"
import type { StoreError } from "../store/Log.ts"
import { Store } from "../store/Store.ts"
import type { EngineSettings } from "./EngineOptions.ts"
import { afterPriority, type Lane, type Lanes, look, placeOfPriority, type UnderWay } from "./Lanes.ts"

/** How many lanes one look at the queue visits. */
const lanesMax = 10_000

/** How far one look goes into a lane whose runs are held back by their flows, and not by the key that they share. */
const heldBackMax = 100

/** What may start now. */
export interface Picked {
  readonly runIds: ReadonlyArray<RunId>
  /** When the next retry is due that is not yet, in milliseconds since the Unix epoch. */
  readonly nextRetryAt: number | undefined
}

/**
 * Where a scheduler looks for runs to start: {@link makeAll} looks in the whole store, {@link makeOwn} among some runs. What
 * is picked is not claimed yet.
 */
export interface RunQueue {
  /** The runs that may start in so many free slots. */
  readonly pick: (free: number) => Effect.Effect<Picked, StoreError>
}

/** Makes the queue of everything in the store, without the runs that are under way here already. */
export const makeAll = (settings: EngineSettings, underWay: UnderWay) =>
  Effect.map(Store, (store): RunQueue => {
    const servedLast = new Map<number, string>()
    return {
      pick: (free) =>
        Effect.gen(function* () {
          const lanes = yield* look(store, underWay, free)
          const places = new Places(store, settings, underWay)
          const picked: Array<RunId> = []
          let lane = yield* lanes.after(undefined)
          while (lane !== undefined) {
            const { priority } = lane
            yield* servePriority(lanes, priority, servedLast, places, picked, free)
            if (picked.length === free) break
            lane = yield* lanes.after(afterPriority(priority))
          }
          return { runIds: picked, nextRetryAt: lanes.nextRetryAt }
        })
    }
  })

/** Makes the queue of these runs alone; those that are over are taken out of the set. */
export const makeOwn = (settings: EngineSettings, own: Set<RunId>, underWay: UnderWay) =>
  Effect.map(Store, (store): RunQueue => {
    const load = (runId: RunId) => Effect.map(store.load(Runs, runId), Option.getOrUndefined)
    return {
      pick: (free) =>
        Effect.gen(function* () {
          const now = yield* Clock.currentTimeMillis
          const places = new Places(store, settings, underWay)
          const queued: Array<RunDocument> = []
          for (const runId of own) {
            const run = yield* load(runId)
            if (run?.processStatus === "queued") queued.push(run)
            else if (run !== undefined && isOver(run)) own.delete(runId)
          }
          const later = queued.flatMap(({ retryAt = 0 }) => (retryAt > now ? [retryAt] : []))
          const nextRetryAt = later.length === 0 ? undefined : Math.min(...later)
          const picked: Array<RunId> = []
          for (const run of queued.sort(byPriorityThenAge)) {
            if (picked.length === free || (run.retryAt ?? 0) > now) continue
            if ((yield* places.take(run)) === "taken") picked.push(run.id)
          }
          return { runIds: picked, nextRetryAt }
        })
    }
  })

// --- internal ---

/** The places under the limits as they are, and what one look has given away of them. */
class Places {
  readonly #taken = new Map<string, number>()

  constructor(
    readonly store: typeof Store.Service,
    readonly settings: EngineSettings,
    readonly underWay: UnderWay
  ) {}

  /** Takes the places of a run; or says what it waits for: the key that it shares with its lane, or something else. */
  take(run: RunDocument): Effect.Effect<"taken" | "key is full" | "held back", StoreError> {
    return Effect.gen(this, function* () {
      if (this.underWay.has(run.id)) return "held back"
      const limits = limitsOf(run, this.settings.concurrencyPerFlow)
      for (const [index, limit] of limits.entries()) {
        if ((yield* this.#count(limit)) < limit.places) continue
        const isOwnLane = index === 0
        return isOwnLane ? "key is full" : "held back"
      }
      for (const { limitId } of limits) this.#taken.set(limitId, (this.#taken.get(limitId) ?? 0) + 1)
      return "taken"
    })
  }

  #count({ limitId }: LimitClaim): Effect.Effect<number, StoreError> {
    const known = this.#taken.get(limitId)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.map(this.store.load(Limits, limitId), (limit) => {
      const count = Option.match(limit, { onNone: () => 0, onSome: ({ holders }) => holders.length })
      this.#taken.set(limitId, count)
      return count
    })
  }
}

/** Gives each lane of the priority a turn, and turns again to those that have more, until the slots are given away. */
const servePriority = (
  lanes: Lanes,
  priority: number,
  servedLast: Map<number, string>,
  places: Places,
  picked: Array<RunId>,
  free: number
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    const serve = (lane: Lane) =>
      Effect.map(takeFrom(lane, places), (runId) => {
        if (runId === undefined) return false
        picked.push(runId)
        servedLast.set(priority, lane.place)
        return true
      })
    let turn: Array<Lane> = []
    const start = servedLast.get(priority)
    for (const [from, to] of ringFrom(priority, start)) {
      let lane = yield* lanes.after(from)
      for (let visited = 0; visited < lanesMax; visited++) {
        if (lane === undefined || lane.priority !== priority || lane.place > to) break
        if (yield* serve(lane)) turn.push(lane)
        if (picked.length === free) return
        lane = yield* lanes.after(lane.place)
      }
    }
    while (turn.length > 0 && picked.length < free) {
      const more: Array<Lane> = []
      for (const lane of turn) {
        if (picked.length < free && (yield* serve(lane))) more.push(lane)
      }
      turn = more
    }
  })

/** The lanes behind the one that was served last, and then those before it and itself. */
const ringFrom = (
  priority: number,
  start: string | undefined
): ReadonlyArray<readonly [from: string, to: string]> => {
  const [first, end] = [placeOfPriority(priority), afterPriority(priority)]
  return start === undefined
    ? [[first, end]]
    : [
        [start, end],
        [first, start]
      ]
}

/** The first run of a lane that may start, if one may. */
const takeFrom = (lane: Lane, places: Places): Effect.Effect<RunId | undefined, StoreError> =>
  Effect.gen(function* () {
    for (let looked = 0; looked < heldBackMax; looked++) {
      const run = yield* lane.next
      if (run === undefined) return undefined
      const answer = yield* places.take(run)
      if (answer === "taken") return run.id
      if (answer === "key is full") return undefined
    }
    return undefined
  })

/** A run that waits for a decision is not over: it may be in the set because its decision is about to be committed. */
const isOver = (run: RunDocument): boolean =>
  hasEnded(run.processStatus) && approvalAwaitedBy(run) === undefined

const byPriorityThenAge = (left: RunDocument, right: RunDocument): number =>
  right.plan.priority - left.plan.priority || (left.createdAt < right.createdAt ? -1 : 1)
