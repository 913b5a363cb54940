import * as Schema from "effect/Schema"

/** The file system refused while objects were written, moved or removed. No ref was moved. */
export class QuarantineError extends Schema.TaggedError<QuarantineError>("git/QuarantineError")(
  "QuarantineError",
  {
    operation: Schema.Literal("create", "write", "migrate"),
    directory: Schema.String,
    detail: Schema.String
  }
) {
  override get message(): string {
    return `Could not ${this.operation} objects in ${this.directory}: ${this.detail}`
  }
}
