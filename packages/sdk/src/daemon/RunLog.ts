/**
 * How the runs of a service go, as log lines: one for each run that ends, and one for each attempt that is followed by
 * another. Every such fact that is committed while the log is open is told once, also those of the stop.
 */
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { Runs } from "@patchmoi/core/run/Runs"
import { effectiveStatusOf } from "@patchmoi/core/run/RunView"
import { splitStream } from "@patchmoi/core/store/Aggregate"
import type { LogRow, StoreError } from "@patchmoi/core/store/Log"
import { pageSizeMax, Store } from "@patchmoi/core/store/Store"
import { toIso } from "@patchmoi/core/Time"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

/** Rows that are read at a time. */
const rowsMax = 512

/** How long it waits after a commit, in milliseconds: who waits for the commit goes first, and those that follow are read with it. */
const gatherMillis = 20

/** The pause after the store refused to be read, in milliseconds. */
const refusedPauseMillis = 1_000

/** Characters of what a run says that go into its line. */
const saysCharsMax = 300

/** A log of runs that is open. It writes by itself; all that it is told is that the end has begun. */
export interface RunLog {
  /** Says that the service stops, and for how many runs it waits. From then on a lost attempt is told as cut off. */
  readonly stopping: (graceMillis: number) => Effect.Effect<void>
}

/**
 * Begins at the end of the store's log; closing the scope tells what was committed until then. `onRow` is told each row of
 * the log as it is passed.
 */
export const make = Effect.fnUntraced(function* (onRow: (row: LogRow) => void = () => undefined) {
  const store = yield* Store
  let position = yield* store.driver.head
  let isStopping = false

  /** Not interruptible, so that no row is told twice. */
  const take = (row: LogRow): Effect.Effect<void, StoreError> =>
    Effect.suspend(() => {
      const pass = (): void => {
        position = row.position
        onRow(row)
      }
      const { name, key } = splitStream(row.stream)
      // Most rows say nothing here, and a busy service has thousands of them a second.
      if (name !== Runs.name || (row.type !== "RunEnded" && row.type !== "RunRetryScheduled")) {
        pass()
        return Effect.void
      }
      return Effect.flatMap(store.load(Runs, key), (run) => {
        pass()
        if (Option.isNone(run)) return Effect.void
        return row.type === "RunEnded" ? tellEnd(run.value) : tellRetry(run.value, row, isStopping)
      })
    }).pipe(Effect.uninterruptible)

  const rest = Effect.gen(function* () {
    while (true) {
      const rows = yield* store.driver.readAfter(position, rowsMax)
      yield* Effect.forEach(rows, take, { discard: true })
      if (rows.length < rowsMax) return
    }
  })
  const follow = Effect.suspend(() => store.driver.awaitBeyond(position)).pipe(
    Effect.zipRight(Effect.sleep(gatherMillis)),
    Effect.zipRight(rest),
    Effect.forever
  )
  const orSay = Effect.catchAll((error: StoreError) =>
    Effect.logError("The log of runs cannot be read", error)
  )

  yield* Effect.addFinalizer(() => orSay(rest))
  // A store that refuses for a while is read on when it does not any more.
  yield* Effect.forkScoped(Effect.forever(Effect.zipRight(orSay(follow), Effect.sleep(refusedPauseMillis))))

  const log: RunLog = {
    stopping: (graceMillis) =>
      Effect.gen(function* () {
        isStopping = true
        const options = { index: "byStatus", prefix: ["running"], limit: pageSizeMax } as const
        const { items } = yield* store.list(Runs, options)
        if (items.length === 0) return yield* Effect.logInfo("stopping: no run is under way")
        const count = `${items.length}${items.length === pageSizeMax ? " or more" : ""}`
        const runs = items.length === 1 ? "run" : "runs"
        yield* Effect.logInfo(`stopping: waiting up to ${graceMillis / 1_000} s for ${count} ${runs}`)
      }).pipe(Effect.catchTag("CursorInvalid", Effect.die), orSay)
  }
  return log
})

// --- internal ---

const tellEnd = (run: RunDocument): Effect.Effect<void> => {
  const status = effectiveStatusOf(run)
  const said = run.error ?? run.result?.message
  const line = `run.ended: ${nameOf(run)} ${status}${said === undefined ? "" : `: ${said.slice(0, saysCharsMax)}`}`
  const facts = { ...factsOf(run), status, ...durationOf(run) }
  const isGood = status !== "failed" && status !== "needs_intervention" && status !== "blocked"
  return Effect.annotateLogs(isGood ? Effect.logInfo(line) : Effect.logWarning(line), facts)
}

const tellRetry = (run: RunDocument, row: LogRow, isStopping: boolean): Effect.Effect<void> => {
  // The run may have gone on since; what is told is the attempt that the row is about.
  const fact = Runs.decodeFact(row.type, row.data)
  if (fact._tag !== "RunRetryScheduled" || !("retryAt" in fact)) return Effect.void
  const attempt = run.attempts.findLast(({ completedAt }) => completedAt !== undefined)
  const isCutOff = isStopping && attempt?.exit?._tag === "Lost"
  const line = isCutOff
    ? `run.cut_off: ${nameOf(run)} will run again at the next start`
    : `run.retried: ${nameOf(run)} will run again at ${toIso(fact.retryAt)}`
  const error = attempt?.error === undefined ? {} : { error: attempt.error.slice(0, saysCharsMax) }
  return Effect.annotateLogs(Effect.logWarning(line), { ...factsOf(run), ...error })
}

const nameOf = ({ flowName, stepName }: RunDocument): string => `${flowName}/${stepName}`

const factsOf = ({ id, eventId }: RunDocument) => ({ run: id, event: eventId })

/** From the start of the first attempt to the end of the last; nothing for a run that never started. */
const durationOf = ({ startedAt, completedAt }: RunDocument) =>
  startedAt === undefined || completedAt === undefined
    ? {}
    : { durationMillis: Date.parse(completedAt) - Date.parse(startedAt) }
