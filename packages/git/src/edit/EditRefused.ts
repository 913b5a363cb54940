/** Why an edit of the patch stack was not made. */
import * as Schema from "effect/Schema"

/** The edit would lose or double something, or does not say enough. Nothing was moved. */
export class EditRefused extends Schema.TaggedError<EditRefused>("git/EditRefused")("EditRefused", {
  action: Schema.Literal("capture", "split", "reorder", "drop"),
  reason: Schema.Literal(
    /** The branch is there already. */
    "exists",
    /** The branch, or one that is needed for its name, is in the way. */
    "name-clash",
    /** The branch stands for another ref. */
    "symbolic",
    /** The two branches share no history, or too many points of it. */
    "no-merge-base",
    /** The patch would bring commits that are not its own. */
    "carries-others",
    /** Another patch stands on the commits that would be rewritten. */
    "has-dependents",
    /** A part of a split would be empty, or a path would be in none. */
    "incomplete",
    /** The result is not what the stack was before. */
    "differs",
    /** The stack does not apply in the new order, or not even in the old one. */
    "conflicts",
    /** There is nothing to do. */
    "nothing-to-do"
  ),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.detail}; nothing was moved`
  }
}
