/** The record of cascades: what earlier ones told each target, and a fact for each try of a new one. */
import { lastWrittenOf } from "@patchmoi/core/cascade/CascadeDocument"
import type { TargetTry } from "@patchmoi/core/cascade/CascadeFact"
import { Cascades, makeCascadeId } from "@patchmoi/core/cascade/Cascades"
import { Store } from "@patchmoi/core/store/Store"
import { toIso } from "@patchmoi/core/Time"
import type { CascadePlan, WrittenBefore } from "@patchmoi/git/cascade/CascadePlan"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { plannedTargets } from "./artifact.ts"

/** Cascades of one name that are looked through for what was last told to each target, newest first. */
export const cascadesLookedThroughMax = 50

/** What the record says was told to each target by cascades of this name. */
export const readWritten = Effect.fn("CascadeRecord.readWritten")(function* (name: string) {
  const store = yield* Store
  const page = yield* store.list(Cascades, {
    index: "byName",
    prefix: [name],
    limit: cascadesLookedThroughMax
  })
  const written: WrittenBefore = lastWrittenOf(page.items)
  return written
})

/** What keeps one cascade in the record. */
export interface CascadeRecorder {
  readonly id: string
  /** Records the try; returns when it is durable. Tries that end together are written together. */
  readonly onTry: (attempt: TargetTry) => Effect.Effect<void>
  readonly finish: Effect.Effect<void>
}

/** Records the plan. A record that cannot be written later is told in the log, and stops no target. */
export const beginRecord = Effect.fn("CascadeRecord.begin")(function* (plan: CascadePlan) {
  const store = yield* Store
  const now = yield* Clock.currentTimeMillis
  const { file, name } = plan.config
  const id = makeCascadeId(name, plan.version, toIso(now))
  const { version } = plan
  yield* store.commit((unit) =>
    unit.execute(Cascades, id, { _tag: "Plan", name, version, file, targets: plannedTargets(plan) })
  )
  const queue: Array<TargetTry> = []
  const oneAtATime = yield* Effect.makeSemaphore(1)
  const told = Effect.catchAll((error: { readonly message: string }) =>
    Effect.logWarning(`The cascade goes on, and its record is incomplete: ${error.message}`)
  )
  const flush = Effect.suspend(() => {
    const tries = queue.splice(0)
    if (tries.length === 0) return Effect.void
    return told(
      Effect.asVoid(store.commit((unit) => unit.execute(Cascades, id, { _tag: "RecordTries", tries })))
    )
  })
  const recorder: CascadeRecorder = {
    id,
    onTry: (attempt) =>
      Effect.suspend(() => {
        queue.push(attempt)
        return Effect.uninterruptible(oneAtATime.withPermits(1)(flush))
      }),
    finish: Effect.uninterruptible(
      Effect.zipRight(
        oneAtATime.withPermits(1)(flush),
        told(Effect.asVoid(store.commit((unit) => unit.execute(Cascades, id, { _tag: "Finish" }))))
      )
    )
  }
  return recorder
})
