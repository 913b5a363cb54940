/**
 * The aggregate of limits: how many runs may be under way at once that share a concurrency key, or a flow. A place is taken
 * in the commit that claims a run and given back in the commit that ends its attempt, so that engines that share a store
 * cannot exceed a limit together: two that take the last place conflict, and one of them reads again.
 *
 * 1. A run holds a place of a limit at most once.
 * 2. Whoever takes a place has looked whether there is one ({@link hasRoom}) in the same unit of work.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { RunId } from "../Ids.ts"
import { boundedKey } from "../run/lane.ts"
import type { RunDocument } from "../run/RunDocument.ts"
import * as Aggregate from "../store/Aggregate.ts"

/** A run was claimed and takes a place. */
export const LimitTaken = Schema.TaggedStruct("LimitTaken", { runId: RunId })

/** The attempt of the run ended, in whatever way: its place is free. */
export const LimitFreed = Schema.TaggedStruct("LimitFreed", { runId: RunId })

/** Everything that can happen to a limit: a run takes a place of it, or gives it back. */
export const LimitFact = Schema.Union(LimitTaken, LimitFreed)
export type LimitFact = typeof LimitFact.Type

/** A limit: who holds its places. How many there are is for the run that wants one to say. */
export const LimitDocument = Schema.Struct({ holders: Schema.Array(RunId) })
export interface LimitDocument extends Schema.Schema.Type<typeof LimitDocument> {}

/**
 * What can be asked of a limit; nothing is refused, not even `Take` where no place is left: ask {@link hasRoom} before.
 * `Take` by a run that holds a place does nothing, and neither does `Free` by one that holds none.
 */
export type LimitCommand =
  | { readonly _tag: "Take"; readonly runId: RunId }
  | { readonly _tag: "Free"; readonly runId: RunId }

/** A limit under which a run takes a place. */
export interface LimitClaim {
  readonly limitId: string
  /** How many may hold a place for this run to take one more: 1 at least. */
  readonly places: number
}

/**
 * The limits of a run: its concurrency key with the number of its plan (1 when it names none), and its flow, when the
 * engine limits flows.
 */
export const limitsOf = (
  run: Pick<RunDocument, "concurrencyKey" | "flowName" | "plan">,
  concurrencyPerFlow: number
): ReadonlyArray<LimitClaim> => [
  ...(run.concurrencyKey === undefined
    ? []
    : [{ limitId: `key ${boundedKey(run.concurrencyKey)}`, places: run.plan.concurrency ?? 1 }]),
  ...(Number.isFinite(concurrencyPerFlow)
    ? [{ limitId: `flow ${boundedKey(run.flowName)}`, places: concurrencyPerFlow }]
    : [])
]

/** Whether a limit in this state has a place left for a claim. */
export const hasRoom = (limit: LimitDocument | undefined, { places }: LimitClaim): boolean =>
  (limit?.holders.length ?? 0) < places

const decide = (
  { _tag, runId }: LimitCommand,
  limit: LimitDocument | undefined
): Either.Either<ReadonlyArray<LimitFact>> => {
  const holds = limit?.holders.includes(runId) ?? false
  if (_tag === "Take") return Either.right(holds ? [] : [{ _tag: "LimitTaken", runId }])
  return Either.right(holds ? [{ _tag: "LimitFreed", runId }] : [])
}

const evolve = (limit: LimitDocument | undefined, { _tag, runId }: LimitFact): LimitDocument => {
  const others = (limit?.holders ?? []).filter((holder) => holder !== runId)
  return { holders: _tag === "LimitTaken" ? [...others, runId] : others }
}

/** Limits, by the ids that {@link limitsOf} gives. */
export const Limits = Aggregate.make({
  name: "limit",
  fact: LimitFact,
  isPlain: true,
  decide,
  evolve,
  indexes: {}
})
