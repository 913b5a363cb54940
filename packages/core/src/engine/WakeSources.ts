/**
 * What every run that has not ended waits for, and whether that will come: no run may be without a wake source.
 *
 * A run waits for a slot, for the worker that holds its attempt, for a time, or for the decision that it asked for. Whatever
 * waits for nothing that will come is stuck; the report says why.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { Limits, limitsOf } from "../limit/Limits.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import { approvalAwaitedBy } from "../run/RunEvolve.ts"
import { Runs } from "../run/Runs.ts"
import type { Lease } from "../store/Driver.ts"
import type { StoreError } from "../store/Log.ts"
import { pageSizeMax, Store } from "../store/Store.ts"
import { toIso } from "../Time.ts"
import { type RunWake, type WakeReport, type WakeSource, wakeRunsMax } from "./WakeReport.ts"

/** Which runs a {@link report} names, `wakeRunsMax` at most. It counts all of them either way. */
export interface WakeOptions {
  /** Whether the report names every run, and not the stuck ones alone. Default: false. */
  readonly all?: boolean
}

/** Looks at every run that has not ended or waits for a decision. Records nothing. */
export const report = ({ all = false }: WakeOptions = {}): Effect.Effect<WakeReport, StoreError, Store> =>
  Effect.gen(function* () {
    const store = yield* Store
    const counts = { Slot: 0, Lease: 0, Time: 0, Approval: 0, Stuck: 0 }
    const runs: Array<RunWake> = []
    for (const [index, prefix] of waiting) {
      yield* eachRun(store, index, prefix, (run) =>
        Effect.gen(function* () {
          const wake = yield* wakeSourceOf(store, run)
          counts[wake._tag] += 1
          if ((!all && wake._tag !== "Stuck") || runs.length >= wakeRunsMax) return
          const { id: runId, flowName, stepName, processStatus } = run
          runs.push({ runId, flowName, stepName, processStatus, wake })
        })
      )
    }
    return { leasesVisible: store.driver.leases.visible !== false, counts, runs }
  }).pipe(Effect.withSpan("WakeSources.report"))

// --- internal ---

/** Where the runs are listed that wait for something. */
const waiting: ReadonlyArray<readonly [index: string, prefix: ReadonlyArray<string>]> = [
  ["byStatus", ["running"]],
  ["byStatus", ["queued"]],
  ["approval", []]
]

const eachRun = (
  store: typeof Store.Service,
  index: string,
  prefix: ReadonlyArray<string>,
  visit: (run: RunDocument) => Effect.Effect<void, StoreError>
): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    let cursor: string | undefined
    do {
      const page = yield* store.list(Runs, {
        index,
        prefix,
        order: "ascending",
        limit: pageSizeMax,
        ...(cursor === undefined ? {} : { cursor })
      })
      yield* Effect.forEach(page.items, visit, { discard: true })
      cursor = page.cursor
    } while (cursor !== undefined)
  }).pipe(Effect.catchTag("CursorInvalid", Effect.die))

const wakeSourceOf = (
  store: typeof Store.Service,
  run: RunDocument
): Effect.Effect<WakeSource, StoreError> => {
  if (run.processStatus === "running") return ofRunning(store, run)
  const approval = approvalAwaitedBy(run)
  if (approval !== undefined) return Effect.succeed({ _tag: "Approval", prompt: approval.prompt })
  return run.retryAt === undefined ? ofQueued(store, run) : ofRetry(run.retryAt)
}

const stuck = (reason: string): WakeSource => ({ _tag: "Stuck", reason })

const ofRunning = (
  { driver }: typeof Store.Service,
  run: RunDocument
): Effect.Effect<WakeSource, StoreError> =>
  Effect.gen(function* () {
    const attempt = run.attempts.at(-1)
    if (attempt?.status !== "running") return stuck("it is running and has no attempt under way")
    const { workerId } = attempt
    if (driver.leases.visible === false) return { _tag: "Lease", workerId }
    const lease = yield* driver.leases.get(attempt.id)
    const now = yield* Clock.currentTimeMillis
    return ofLease(lease, attempt.leaseToken, workerId, now)
  })

const ofLease = (lease: Lease | undefined, token: string, workerId: string, now: number): WakeSource => {
  const recovery = "an engine that runs takes it up"
  if (lease === undefined) return stuck(`worker ${workerId} has no lease on it; ${recovery}`)
  const until = toIso(lease.expiresAt)
  if (lease.token !== token)
    return stuck(`the lease on it is not that of its attempt; ${recovery} at ${until}`)
  return lease.expiresAt > now
    ? { _tag: "Lease", workerId, until }
    : stuck(`the lease of worker ${workerId} ran out at ${until}; ${recovery}`)
}

const ofRetry = (retryAt: number): Effect.Effect<WakeSource> =>
  Effect.map(Clock.currentTimeMillis, (now) =>
    retryAt > now ? { _tag: "Time", at: toIso(retryAt) } : { _tag: "Slot" }
  )

/** A run waits for a slot as long as whoever holds the places of its limits is under way. */
const ofQueued = (store: typeof Store.Service, run: RunDocument): Effect.Effect<WakeSource, StoreError> =>
  Effect.gen(function* () {
    for (const { limitId, places } of limitsOf(run, Number.POSITIVE_INFINITY)) {
      const limit = Option.getOrUndefined(yield* store.load(Limits, limitId))
      const holders = limit?.holders ?? []
      if (holders.length < places) continue
      for (const holder of holders) {
        const held = Option.getOrUndefined(yield* store.load(Runs, holder))
        if (held?.processStatus !== "running") {
          return stuck(`its limit "${limitId}" is held by run ${holder}, which is not under way`)
        }
      }
    }
    return { _tag: "Slot" }
  })
