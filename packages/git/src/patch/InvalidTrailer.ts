import * as Schema from "effect/Schema"

/** Longest value of a trailer, in UTF-16 units: the longest name that this package accepts. */
export const trailerLengthMax = 1024

/** A value that cannot stand in a trailer. Nothing was rebuilt. */
export class InvalidTrailer extends Schema.TaggedError<InvalidTrailer>("git/InvalidTrailer")(
  "InvalidTrailer",
  {
    key: Schema.String,
    value: Schema.String
  }
) {
  override get message(): string {
    const value = JSON.stringify(this.value.slice(0, 200))
    return `${value} cannot be the value of the trailer ${this.key}: one line of 1 to ${trailerLengthMax} characters without control characters is expected`
  }
}
