/** Something outside has to happen before the fork can be maintained. */
import * as Schema from "effect/Schema"

/** What stands in the way, and what to do about it. No ref was moved. */
export class NotReady extends Schema.TaggedError<NotReady>("sdk/NotReady")("NotReady", {
  problem: Schema.String,
  remedy: Schema.String
}) {
  override get message(): string {
    return `${this.problem}; ${this.remedy}`
  }
}
