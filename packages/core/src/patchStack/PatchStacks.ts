/**
 * The aggregate of patch stacks: the ledger of what was found out about the patches of a repository.
 *
 * 1. The same verdict, about the same patch at the same tip and upstream commit, is recorded once; so is the same forecast.
 * 2. A verdict is about one tip. It is forgotten when the patch has another one.
 * 3. A patch turns bad when its last answer was `clean` and the new one is `conflicts`. It stays so until an answer is better
 *    where it turned bad, or for another tip.
 * 4. A forecast lists the whole stack. A patch that it does not list is gone.
 */
import * as Either from "effect/Either"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"
import {
  type AnswerSpan,
  answersMax,
  lastAnswerOf,
  type PatchStackDocument,
  type PatchState,
  patchesMax,
  turnedBadIn
} from "./PatchStackDocument.ts"
import {
  type ForecastMade,
  type ForecastPatch,
  PatchStackFact,
  type PatchVerdict,
  type PatchVerdictFound,
  type UpstreamLook
} from "./PatchStackFact.ts"

/**
 * What can be recorded of a patch stack; nothing is refused, and of two entries for one patch the last one counts. A
 * forecast has to list the whole stack: what it leaves out is forgotten.
 */
export type PatchStackCommand =
  | ({ readonly _tag: "RecordVerdicts"; readonly verdicts: ReadonlyArray<PatchVerdict> } & UpstreamLook)
  | ({ readonly _tag: "RecordForecast"; readonly patches: ReadonlyArray<ForecastPatch> } & UpstreamLook)

const decide = (
  command: PatchStackCommand,
  stack: PatchStackDocument | undefined
): Either.Either<ReadonlyArray<PatchStackFact>> => {
  const states = new Map(stack?.patches.map((state) => [state.patch, state]))
  if (command._tag === "RecordVerdicts") {
    const { _tag, verdicts, ...look } = command
    const byPatch = new Map(verdicts.map((verdict) => [verdict.patch, verdict]))
    return Either.right(
      [...byPatch.values()]
        .filter((verdict) => !isKnown(states.get(verdict.patch), verdict, look))
        .map((verdict) => ({ _tag: "PatchVerdictFound", ...look, ...verdict }))
    )
  }
  const { _tag, ...forecast } = command
  const patches = [...new Map(forecast.patches.map((patch) => [patch.patch, patch])).values()]
  const kept = patches.slice(0, patchesMax)
  const isSame =
    kept.length === states.size &&
    kept.every((patch, index) => isLastAnswer(stack?.patches[index], patch, forecast))
  return Either.right(isSame ? [] : [{ _tag: "ForecastMade", ...forecast, patches }])
}

const evolve = (
  stack: PatchStackDocument | undefined,
  fact: PatchStackFact,
  { key, at }: Aggregate.FactPlace
): PatchStackDocument | undefined => {
  const now = toIso(at)
  const before = stack?.patches ?? []
  const patches = fact._tag === "ForecastMade" ? forecastOf(before, fact, now) : judged(before, fact, now)
  return {
    id: key,
    patches: patches.slice(0, patchesMax),
    createdAt: stack?.createdAt ?? now,
    updatedAt: now
  }
}

/** Patch stacks, by the id of their repository. Listed all together, and those that want attention. */
export const PatchStacks = Aggregate.make({
  name: "patch-stack",
  fact: PatchStackFact,
  isPlain: true,
  decide,
  evolve,
  indexes: {
    /** Those with a patch that was clean and is not any more. */
    turnedBad: (stack: PatchStackDocument) => (turnedBadIn(stack).length > 0 ? [] : undefined)
  }
})

// --- internal ---

const isKnown = (
  state: PatchState | undefined,
  { evidence, tip, verdict }: PatchVerdict,
  { onto }: UpstreamLook
): boolean =>
  state?.tip === tip &&
  state.verdict?.onto === onto &&
  state.verdict.verdict === verdict &&
  JSON.stringify(evidence.map(evidenceKey)) === JSON.stringify(state.verdict.evidence.map(evidenceKey))

const evidenceKey = ({ commit, detail, kind, upstream }: PatchVerdict["evidence"][number]) => [
  kind,
  commit,
  upstream,
  detail
]

/** Whether this is the patch, and the newest answer for this upstream name says the same about the same commits. */
const isLastAnswer = (
  state: PatchState | undefined,
  { answer, patch, reason, tip }: ForecastPatch,
  { onto, ontoName }: UpstreamLook
): boolean => {
  if (state?.patch !== patch) return false
  const last = state.answers.find((span) => span.ontoName === ontoName)
  return last?.onto === onto && last.tip === tip && last.answer === answer && last.reason === reason
}

const judged = (
  before: ReadonlyArray<PatchState>,
  { evidence, onto, ontoName, patch, tip, verdict }: typeof PatchVerdictFound.Type,
  at: string
): ReadonlyArray<PatchState> => {
  const index = before.findIndex((state) => state.patch === patch)
  const state = atTip(before[index] ?? { patch, tip, answers: [] }, tip)
  const next = { ...state, verdict: { onto, ontoName, verdict, evidence, at } }
  return index < 0 ? [...before, next] : before.with(index, next)
}

const forecastOf = (
  before: ReadonlyArray<PatchState>,
  forecast: typeof ForecastMade.Type,
  now: string
): ReadonlyArray<PatchState> => {
  const states = new Map(before.map((state) => [state.patch, state]))
  const listed = new Map(forecast.patches.map((patch) => [patch.patch, patch]))
  return [...listed.values()].map((patch) => answered(states.get(patch.patch), patch, forecast, now))
}

const answered = (
  known: PatchState | undefined,
  { answer, patch, reason, tip }: ForecastPatch,
  { onto, ontoName }: UpstreamLook,
  now: string
): PatchState => {
  const state = atTip(known ?? { patch, tip, answers: [] }, tip)
  const turns = answer === "conflicts" && lastAnswerOf(state, { ontoName })?.answer === "clean"
  const { turnedBad } = state
  const recovers = answer !== "conflicts" && (turnedBad?.ontoName === ontoName || turnedBad?.tip !== tip)
  const [newest, ...older] = state.answers
  const goesOn = newest?.answer === answer && newest.ontoName === ontoName
  const span: AnswerSpan = withoutUndefined({
    answer,
    ontoName,
    onto,
    tip,
    reason,
    since: goesOn ? newest.since : now,
    until: now,
    times: goesOn ? newest.times + 1 : 1
  })
  return withoutUndefined({
    ...state,
    answers: [span, ...(goesOn ? older : state.answers)].slice(0, answersMax),
    turnedBad: turns ? { at: now, onto, ontoName, tip } : recovers ? undefined : turnedBad
  })
}

/** The patch as it is known, less the verdict about another tip. Its answers stay: they are its history. */
const atTip = (state: PatchState, tip: string): PatchState => {
  if (state.tip === tip) return state
  const { verdict: _verdict, ...kept } = state
  return { ...kept, tip }
}
