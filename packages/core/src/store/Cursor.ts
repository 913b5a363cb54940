/** Cursors of lists: opaque outside, bound to the list that gave them. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Encoding from "effect/Encoding"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

/** Longest cursor that is looked at, in characters. */
const cursorLengthMax = 8_192

/** A cursor that this list never gave. Ask for the first page, without a cursor. */
export class CursorInvalid extends Schema.TaggedError<CursorInvalid>("patchmoi/CursorInvalid")(
  "CursorInvalid",
  {
    cursor: Schema.String
  }
) {
  override get message() {
    return `The cursor ${JSON.stringify(this.cursor)} does not belong to this list: ask for the first page, without a cursor`
  }
}

/** The list that a cursor belongs to. */
export interface ListIdentity {
  readonly view: string
  readonly index: string
  readonly prefix: string
}

const Content = Schema.parseJson(Schema.Tuple(Schema.String, Schema.String, Schema.String, Schema.String))

/** The cursor that goes on after this sort key. */
export const encode = ({ view, index, prefix }: ListIdentity, sort: string): string =>
  Encoding.encodeBase64Url(JSON.stringify([view, index, prefix, sort]))

/** The sort key in a cursor; none when there is no cursor. */
export const decode = (
  cursor: string | undefined,
  { view, index, prefix }: ListIdentity
): Effect.Effect<string | undefined, CursorInvalid> => {
  if (cursor === undefined) return Effect.succeed(undefined)
  const content = Option.flatMap(
    Either.getRight(Encoding.decodeBase64UrlString(cursor.slice(0, cursorLengthMax))),
    Schema.decodeUnknownOption(Content)
  )
  if (Option.isSome(content)) {
    const [ofView, ofIndex, ofPrefix, sort] = content.value
    if (ofView === view && ofIndex === index && ofPrefix === prefix) return Effect.succeed(sort)
  }
  return Effect.fail(new CursorInvalid({ cursor: cursor.slice(0, 100) }))
}
