/**
 * Approvals: a step that ends `blocked` with `artifacts.approval = { prompt, choices? }` asks a person. The run waits; the
 * decision runs it again, and the step finds the decision in its context.
 */
import * as Either from "effect/Either"
import * as ParseResult from "effect/ParseResult"
import * as Schema from "effect/Schema"
import type { FlowResult } from "../flow/FlowResult.ts"

/** Longest question, in UTF-16 code units. */
export const promptLengthMax = 4_000
/** How many answers one question may offer. */
export const choicesMax = 50
/** Longest answer on offer, in UTF-16 code units. */
export const choiceLengthMax = 200
/** Longest comment on a decision, in UTF-16 code units. */
export const commentLengthMax = 4_000
/** Longest name of who decided, in UTF-16 code units. */
export const decidedByLengthMax = 256
/** How often one run may ask; what it ends with after that is its end. */
export const approvalsMax = 100

/** What a step asks. Further fields are kept in the result and mean nothing here. */
export const ApprovalRequest = Schema.Struct({
  prompt: Schema.String.pipe(
    Schema.filter((prompt) => prompt.trim() !== "" || "Expected a prompt that is not blank"),
    Schema.maxLength(promptLengthMax)
  ),
  choices: Schema.optional(
    Schema.Array(Schema.NonEmptyString.pipe(Schema.maxLength(choiceLengthMax))).pipe(
      Schema.minItems(1),
      Schema.maxItems(choicesMax),
      Schema.filter((choices) => new Set(choices).size === choices.length || "Expected every choice once")
    )
  )
})
export interface ApprovalRequest extends Schema.Schema.Type<typeof ApprovalRequest> {}

/** Yes or no. */
export const Decision = Schema.Literal("approved", "rejected")
export type Decision = typeof Decision.Type

/** The fields of a decision, in the fact and wherever it is shown. */
export const approvalFields = {
  decision: Decision,
  /** One of the choices of the question. */
  choice: Schema.optional(Schema.String),
  /** Who decided. */
  by: Schema.optional(Schema.String),
  comment: Schema.optional(Schema.String)
}

/** A decision, as a run remembers it and as its step is told. */
export const Approval = Schema.Struct({
  ...approvalFields,
  /** ISO 8601, UTC. */
  at: Schema.String,
  /** The question that it answers. */
  prompt: Schema.String,
  /** How many attempts the run had when it was decided: the retry policy counts from here. */
  afterAttempts: Schema.Int
})
export interface Approval extends Schema.Schema.Type<typeof Approval> {}

/** What a result asks, nothing when it asks nothing, or why the question cannot be put. */
export const approvalRequestOf = (
  result: FlowResult | undefined
): Either.Either<ApprovalRequest | undefined, string> => {
  const asked = result?.status === "blocked" ? result.artifacts?.["approval"] : undefined
  return asked === undefined
    ? Either.right(undefined)
    : Either.mapLeft(
        decodeRequest(asked),
        (error) =>
          `FLOW_RESULT artifacts.approval: ${ParseResult.ArrayFormatter.formatErrorSync(error)
            .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
            .join("; ")}`
      )
}

// --- internal ---

const decodeRequest = Schema.decodeUnknownEither(ApprovalRequest)
