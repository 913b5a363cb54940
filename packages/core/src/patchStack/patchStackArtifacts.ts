/**
 * Reads what a step found out about a patch stack out of its artifacts: a step's process cannot write the record, and hands
 * over what it found. What has another form is passed over: a result is never refused for its artifacts.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { idLengthMax } from "../Ids.ts"
import { lazily } from "../internal/lazily.ts"
import { patchesMax } from "./PatchStackDocument.ts"
import { ForecastPatch, PatchVerdict, VerdictEvidence } from "./PatchStackFact.ts"

/** Pieces of evidence of one verdict. */
export const artifactEvidenceMax = 50

/** Longest detail and longest reason, in UTF-16 units. */
export const artifactTextLengthMax = 1_000

/** The fields of what a step looked at, and of texts in it; made when they are first asked for. */
const fields = lazily(() => {
  const name = Schema.NonEmptyString.pipe(Schema.maxLength(1_024))
  const objectId = Schema.String.pipe(Schema.pattern(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/))
  const text = Schema.String.pipe(Schema.maxLength(artifactTextLengthMax))
  /** Names a repository in the record: any text without control characters. */
  const repository = Schema.NonEmptyString.pipe(
    Schema.maxLength(idLengthMax),
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what the pattern refuses.
    Schema.pattern(/^[^\u0000-\u001f\u007f]+$/)
  )
  return { name, objectId, text, look: { repository, onto: objectId, ontoName: name } }
})

/** What a step says in `artifacts.verdicts`, made when it is first asked for. */
export const verdictsArtifactSchema = lazily(() => {
  const { look, name, objectId, text } = fields()
  const evidence = Schema.Struct({
    ...VerdictEvidence.fields,
    commit: objectId,
    upstream: Schema.NullOr(objectId),
    detail: text
  })
  const verdict = Schema.Struct({
    ...PatchVerdict.fields,
    patch: name,
    tip: objectId,
    evidence: Schema.Array(evidence).pipe(Schema.maxItems(artifactEvidenceMax))
  })
  return Schema.Struct({ ...look, verdicts: Schema.Array(verdict).pipe(Schema.maxItems(patchesMax)) })
})

/**
 * The verdicts of a step about the patches of one repository, as of one upstream commit; {@link verdictsArtifactOf} reads
 * them. At most `patchesMax`.
 */
export interface VerdictsArtifact extends Schema.Schema.Type<ReturnType<typeof verdictsArtifactSchema>> {}

/** What a step says in `artifacts.forecast`, made when it is first asked for. */
export const forecastArtifactSchema = lazily(() => {
  const { look, name, objectId, text } = fields()
  const patch = Schema.Struct({
    ...ForecastPatch.fields,
    patch: name,
    tip: objectId,
    reason: Schema.optional(text)
  })
  return Schema.Struct({ ...look, patches: Schema.Array(patch).pipe(Schema.maxItems(patchesMax)) })
})

/**
 * The forecast of a step for all patches of one repository, on one upstream commit; {@link forecastArtifactOf} reads it. At
 * most `patchesMax` patches.
 */
export interface ForecastArtifact extends Schema.Schema.Type<ReturnType<typeof forecastArtifactSchema>> {}

/** The verdicts of a result; undefined where there are none that can be read. */
export const verdictsArtifactOf = (
  artifacts: Readonly<Record<string, unknown>> | undefined
): VerdictsArtifact | undefined => read(decodeVerdicts, artifacts?.["verdicts"])

/** The forecast of a result; undefined where there is none that can be read. */
export const forecastArtifactOf = (
  artifacts: Readonly<Record<string, unknown>> | undefined
): ForecastArtifact | undefined => read(decodeForecast, artifacts?.["forecast"])

// --- internal ---

const decodeVerdicts = lazily(() => Schema.decodeUnknownEither(verdictsArtifactSchema()))
const decodeForecast = lazily(() => Schema.decodeUnknownEither(forecastArtifactSchema()))

const read = <A, E>(decode: () => (given: unknown) => Either.Either<A, E>, given: unknown): A | undefined =>
  given === undefined ? undefined : Either.getOrUndefined(decode()(given))
