/** What is known about the patches of one repository: the last verdicts, the last answers, and which patch turned bad. */
import * as Schema from "effect/Schema"
import { ForecastAnswer, type ForecastPatch, PatchVerdict, type UpstreamLook } from "./PatchStackFact.ts"

/** Answers that are kept of each patch. The same answer again makes the last one longer. */
export const answersMax = 20

/** Patches of one stack that are kept. */
export const patchesMax = 1_000

/** One answer, for as long as it was the same. */
export const AnswerSpan = Schema.Struct({
  answer: ForecastAnswer,
  ontoName: Schema.String,
  /** The upstream commit and the tip of the patch of the last time. */
  onto: Schema.String,
  tip: Schema.String,
  reason: Schema.optional(Schema.String),
  /** The first and the last time, ISO 8601, UTC. */
  since: Schema.String,
  until: Schema.String,
  /** How often it was found. */
  times: Schema.Int
})
export interface AnswerSpan extends Schema.Schema.Type<typeof AnswerSpan> {}

/** When a clean patch began to conflict, and on what. */
export const TurnedBad = Schema.Struct({
  at: Schema.String,
  onto: Schema.String,
  ontoName: Schema.String,
  /** The tip that conflicts. */
  tip: Schema.String
})
export interface TurnedBad extends Schema.Schema.Type<typeof TurnedBad> {}

/** One patch. */
export const PatchState = Schema.Struct({
  patch: Schema.String,
  tip: Schema.String,
  /** What upstream did with it, as of this tip; absent when nothing is known. */
  verdict: Schema.optional(
    Schema.Struct({
      onto: Schema.String,
      ontoName: Schema.String,
      verdict: PatchVerdict.fields.verdict,
      evidence: PatchVerdict.fields.evidence,
      at: Schema.String
    })
  ),
  /** The newest first, at most `answersMax`. */
  answers: Schema.Array(AnswerSpan),
  /** Present from the forecast that found it until an answer is better, there or for another tip. */
  turnedBad: Schema.optional(TurnedBad)
})
export interface PatchState extends Schema.Schema.Type<typeof PatchState> {}

/** The ledger of one repository: of each patch what upstream did with it, and how it fared on newer upstreams. */
export const PatchStackDocument = Schema.Struct({
  /** Names the repository. */
  id: Schema.String,
  /** In the order of the stack, as the last forecast gave it; at most {@link patchesMax}. */
  patches: Schema.Array(PatchState),
  /** When something was first found out, and when last; ISO 8601, UTC. */
  createdAt: Schema.String,
  updatedAt: Schema.String
})
export interface PatchStackDocument extends Schema.Schema.Type<typeof PatchStackDocument> {}

/** The patches that want somebody's attention: they were clean, and are not any more. */
export const turnedBadIn = (stack: PatchStackDocument): ReadonlyArray<PatchState> =>
  stack.patches.filter(({ turnedBad }) => turnedBad !== undefined)

/** The last answer that a new one is measured by: the one for the same upstream name, else the newest of all. */
export const lastAnswerOf = (
  state: PatchState | undefined,
  { ontoName }: Pick<UpstreamLook, "ontoName">
): AnswerSpan | undefined => state?.answers.find((span) => span.ontoName === ontoName) ?? state?.answers[0]

/** The patches of a forecast that were clean the last time and conflict now. */
export const turningBadIn = (
  stack: PatchStackDocument | undefined,
  forecast: Pick<UpstreamLook, "ontoName"> & { readonly patches: ReadonlyArray<ForecastPatch> }
): ReadonlyArray<ForecastPatch> => {
  const states = new Map(stack?.patches.map((state) => [state.patch, state]))
  return forecast.patches.filter(
    ({ answer, patch }) =>
      answer === "conflicts" && lastAnswerOf(states.get(patch), forecast)?.answer === "clean"
  )
}
