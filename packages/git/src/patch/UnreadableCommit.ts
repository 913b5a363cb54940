import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"

/** A commit object that cannot be read. Nothing was rebuilt. */
export class UnreadableCommit extends Schema.TaggedError<UnreadableCommit>("git/UnreadableCommit")(
  "UnreadableCommit",
  { commitId: ObjectId, detail: Schema.String }
) {
  override get message(): string {
    return `The commit ${this.commitId} cannot be carried over: ${this.detail}`
  }
}
