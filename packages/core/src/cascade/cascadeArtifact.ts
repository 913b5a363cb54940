/** Reads a cascade out of the artifacts of a step: a step's process cannot write the record, and hands over what it did. */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { lazily } from "../internal/lazily.ts"
import { PlannedTarget, TargetTry } from "./CascadeFact.ts"

/** Targets of one cascade; the same bound as that of `cascade.toml`. */
export const artifactTargetsMax = 2_000

/** Tries that one result may hand over. */
export const artifactTriesMax = 40_000

/** Longest text of a target, in UTF-16 units. */
export const targetLengthMax = 4_096

/** Longest reason, in UTF-16 units. */
export const reasonLengthMax = 2_000

/** What a step says in `artifacts.cascade`, made when it is first asked for. */
export const cascadeArtifactSchema = lazily(() => {
  const shortText = Schema.String.pipe(Schema.maxLength(256))
  const bounded = {
    target: Schema.String.pipe(Schema.maxLength(targetLengthMax)),
    code: Schema.optional(shortText),
    reason: Schema.optional(Schema.String.pipe(Schema.maxLength(reasonLengthMax)))
  }
  return Schema.Struct({
    name: Schema.NonEmptyString.pipe(Schema.maxLength(64)),
    version: Schema.NonEmptyString.pipe(Schema.maxLength(128)),
    file: shortText,
    targets: Schema.Array(Schema.Struct({ ...PlannedTarget.fields, ...bounded })).pipe(
      Schema.maxItems(artifactTargetsMax)
    ),
    tries: Schema.Array(
      Schema.Struct({ ...TargetTry.fields, ...bounded, commit: Schema.optional(shortText) })
    ).pipe(Schema.maxItems(artifactTriesMax)),
    /** Whether every target was settled; false when the step was stopped. */
    finished: Schema.Boolean
  })
})

/** A cascade as a step hands it over, within the bounds above; {@link cascadeArtifactOf} reads one. */
export interface CascadeArtifact extends Schema.Schema.Type<ReturnType<typeof cascadeArtifactSchema>> {}

/** The cascade in `artifacts.cascade`; undefined where there is none or it has another form: a result is never refused for its artifacts. */
export const cascadeArtifactOf = (
  artifacts: Readonly<Record<string, unknown>> | undefined
): CascadeArtifact | undefined => {
  const given = artifacts?.["cascade"]
  return given === undefined ? undefined : Either.getOrUndefined(decode()(given))
}

// --- internal ---

const decode = lazily(() => Schema.decodeUnknownEither(cascadeArtifactSchema()))
