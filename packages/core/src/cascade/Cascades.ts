/**
 * The aggregate of cascades: which version was to be written where, each try at it, and how it ended.
 *
 * 1. A cascade is planned once. Every try at a target is a fact; a try with a number that was recorded is none again.
 * 2. Only a planned target can be tried. What is settled well (`written`, `dispatched`) stays so.
 * 3. A finished cascade takes no more tries. The same version again is a cascade of its own.
 * 4. The log is not what decides whether to write: that is the file in the target and its history.
 */
import * as Either from "effect/Either"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"
import { type CascadeDocument, statusOf, type TargetState, type TargetStatus } from "./CascadeDocument.ts"
import { CascadeFact, type CascadePlanned, type TargetIntent, type TargetTry } from "./CascadeFact.ts"

/**
 * What can be asked of a cascade; nothing is refused. `Plan` counts once. `RecordTries` and `Finish` do nothing unless it is
 * `running`; tries that are recorded already, and those at a target that was not planned, are passed over.
 */
export type CascadeCommand =
  | ({ readonly _tag: "Plan" } & Omit<typeof CascadePlanned.Type, "_tag">)
  | { readonly _tag: "RecordTries"; readonly tries: ReadonlyArray<TargetTry> }
  | { readonly _tag: "Finish" }

const decide = (
  command: CascadeCommand,
  cascade: CascadeDocument | undefined
): Either.Either<ReadonlyArray<CascadeFact>> => {
  if (command._tag === "Plan") {
    const { _tag, ...planned } = command
    return Either.right(cascade === undefined ? [{ _tag: "CascadePlanned", ...planned }] : [])
  }
  if (cascade === undefined || cascade.status !== "running") return Either.right([])
  if (command._tag === "Finish") return Either.right([{ _tag: "CascadeFinished" }])
  const facts: Array<CascadeFact> = []
  const known = new Map(cascade.targets.map(({ target, tries }) => [target, tries]))
  for (const each of command.tries) {
    const tries = known.get(each.target)
    if (tries === undefined || each.number <= tries) continue
    known.set(each.target, each.number)
    facts.push({ _tag: "CascadeTargetTried", ...each })
  }
  return Either.right(facts)
}

const evolve = (
  cascade: CascadeDocument | undefined,
  fact: CascadeFact,
  { key, at }: Aggregate.FactPlace
): CascadeDocument | undefined => {
  const now = toIso(at)
  if (fact._tag === "CascadePlanned") return cascade ?? planned(fact, key, now)
  if (cascade === undefined || cascade.status !== "running") return cascade
  if (fact._tag === "CascadeFinished") {
    return { ...cascade, status: statusOf(cascade.targets), updatedAt: now, finishedAt: now }
  }
  const index = cascade.targets.findIndex(({ target }) => target === fact.target)
  const before = cascade.targets[index]
  if (before === undefined) return cascade
  return { ...cascade, targets: cascade.targets.with(index, afterTry(before, fact)), updatedAt: now }
}

/** Cascades, by their id. Listed by name, the newest first, and by status. */
export const Cascades = Aggregate.make({
  name: "cascade",
  fact: CascadeFact,
  isPlain: true,
  decide,
  evolve,
  indexes: {
    byName: (cascade: CascadeDocument) => [cascade.name],
    byStatus: (cascade: CascadeDocument) => [cascade.status]
  }
})

/** The id of a cascade: its name and version, and what makes it one of several such: a time, or a run. */
export const makeCascadeId = (name: string, version: string, occasion: string): string =>
  `${name}:${version}:${occasion}`

// --- internal ---

const planned = (
  { file, name, runId, targets, version }: typeof CascadePlanned.Type,
  id: string,
  now: string
): CascadeDocument =>
  withoutUndefined({
    id,
    name,
    version,
    file,
    status: "running" as const,
    targets: targets.map(
      ({ code, how, intent, reason, target }): TargetState =>
        withoutUndefined({ target, status: statusBefore(intent), intent, how, tries: 0, code, reason })
    ),
    runId,
    createdAt: now,
    updatedAt: now
  })

const statusBefore = (intent: TargetIntent): TargetStatus => {
  switch (intent) {
    case "write":
    case "downgrade":
    case "unreachable":
      return "pending"
    default:
      return intent
  }
}

/** A target that has what it was to have keeps how it came to it, whatever a later try met. */
const afterTry = (target: TargetState, { code, how, outcome, reason, ...tried }: TargetTry): TargetState => {
  const tries = Math.max(target.tries, tried.number)
  if (target.status === "written" || target.status === "dispatched") return { ...target, tries }
  const { how: _how, code: _code, commit, reason: _reason, ...before } = target
  return withoutUndefined({
    ...before,
    how,
    tries,
    status: outcome,
    commit: tried.commit ?? commit,
    code,
    reason
  })
}
