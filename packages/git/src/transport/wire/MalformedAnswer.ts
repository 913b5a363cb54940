/** What the pure readers of this folder throw for bytes that they do not accept. It never leaves the transport. */
import * as Schema from "effect/Schema"

/** Bytes that cannot be read on. */
export class MalformedAnswer extends Schema.TaggedError<MalformedAnswer>("git/MalformedAnswer")(
  "MalformedAnswer",
  {
    /** `cut`: the answer ends in the middle. `garbage`: it is something else. `refused`: the server says no, in words. */
    kind: Schema.Literal("cut", "garbage", "refused"),
    detail: Schema.String
  }
) {
  override get message(): string {
    return this.detail
  }
}

/** The answer ends in the middle of something. */
export const cut = (what: string): MalformedAnswer =>
  new MalformedAnswer({ kind: "cut", detail: `the answer ends in the middle of ${what}` })

/** The answer is not what the protocol allows. */
export const garbage = (detail: string): MalformedAnswer => new MalformedAnswer({ kind: "garbage", detail })
