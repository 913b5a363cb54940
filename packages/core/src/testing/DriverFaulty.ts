/** A driver with fault knobs, for tests of what stands on a store: commits that fail, come late, or lose a race. */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Driver, DriverCommit } from "../store/Driver.ts"
import { StoreError, VersionConflict } from "../store/Log.ts"

/** The knobs. Each counts commits from now on, and starts at none. */
export interface FaultKnobs {
  /** The next commits fail, and nothing of them is written. */
  readonly failBefore: (commits: number) => Effect.Effect<void>
  /** The next commits are written and fail all the same: whoever asked cannot know. */
  readonly failAfter: (commits: number) => Effect.Effect<void>
  /** The next commits lose against another writer, although there is none. */
  readonly conflict: (commits: number) => Effect.Effect<void>
  /** Every commit takes at least this long from now on. */
  readonly delay: (time: Duration.DurationInput) => Effect.Effect<void>
  /** When each commit was asked for, in milliseconds since the Unix epoch, oldest first; also those that failed. */
  readonly commitTimes: Effect.Effect<ReadonlyArray<number>>
}

/** Puts knobs on a driver. Reads are left alone. */
export const make = (driver: Driver): { readonly driver: Driver; readonly faults: FaultKnobs } => {
  // Units are sent back for their documents, as over a driver that has to wait for them.
  const { loadNow: _now, ...waiting } = driver
  const left = { failBefore: 0, failAfter: 0, conflict: 0 }
  const commitTimes: Array<number> = []
  let delay: Duration.DurationInput | undefined

  const spend = (knob: keyof typeof left): boolean => {
    if (left[knob] === 0) return false
    left[knob] -= 1
    return true
  }
  const turn = (knob: keyof typeof left) => (commits: number) =>
    Effect.sync(() => {
      left[knob] = commits
    })

  const commit: Driver["commit"] = (request) =>
    Effect.gen(function* () {
      commitTimes.push(yield* Clock.currentTimeMillis)
      if (delay !== undefined) yield* Effect.sleep(delay)
      if (spend("failBefore")) return yield* failure("before the commit")
      if (spend("conflict")) return yield* lostRace(request)
      const position = yield* driver.commit(request)
      if (spend("failAfter")) return yield* failure("after the commit")
      return position
    })

  return {
    driver: { ...waiting, commit },
    faults: {
      failBefore: turn("failBefore"),
      failAfter: turn("failAfter"),
      conflict: turn("conflict"),
      delay: (time) =>
        Effect.sync(() => {
          delay = time
        }),
      commitTimes: Effect.sync(() => [...commitTimes])
    }
  }
}

// --- internal ---

const failure = (when: string): StoreError =>
  new StoreError({ operation: "write to the log", reason: `a fault was injected ${when}` })

const lostRace = ({ expected }: DriverCommit): VersionConflict => {
  const version = expected[0]?.version ?? 0
  return new VersionConflict({
    stream: expected[0]?.stream ?? "",
    expected: version,
    actual: version + 1
  })
}
