/** What can go wrong between a source's URL and its entries. No message carries credentials. */
import * as Schema from "effect/Schema"

/** The document is not what the provider reads: a login page, nothing at all, a document that breaks off. */
export class NotAFeed extends Schema.TaggedError<NotAFeed>("patchmoi/NotAFeed")("NotAFeed", {
  sourceId: Schema.String,
  /** What the provider reads, for instance `an Atom or RSS document`. */
  expected: Schema.String,
  /** What was there instead. */
  found: Schema.String
}) {
  override get message() {
    return `Source ${this.sourceId}: expected ${this.expected}, found ${this.found}`
  }
}

/** The server answered with a status other than 2xx and 304. */
export class FeedStatusError extends Schema.TaggedError<FeedStatusError>("patchmoi/FeedStatusError")(
  "FeedStatusError",
  {
    /** Redacted. */
    url: Schema.String,
    status: Schema.Int,
    /** How long the server asks to wait, from `Retry-After`; at most a day. */
    retryAfterMillis: Schema.optional(Schema.Int)
  }
) {
  override get message() {
    const wait =
      this.retryAfterMillis === undefined
        ? ""
        : `; it asks to wait ${Math.ceil(this.retryAfterMillis / 1000)} s`
    return `${this.url} answered ${this.status}${wait}`
  }
}

/** The document is larger than its provider allows. Nothing of it was kept. */
export class FeedTooLarge extends Schema.TaggedError<FeedTooLarge>("patchmoi/FeedTooLarge")("FeedTooLarge", {
  url: Schema.String,
  bytesMax: Schema.Int
}) {
  override get message() {
    return `${this.url} is larger than ${this.bytesMax} bytes, the most that is read`
  }
}

/** The whole exchange, redirects and body included, took longer than it may. */
export class FeedTimeout extends Schema.TaggedError<FeedTimeout>("patchmoi/FeedTimeout")("FeedTimeout", {
  url: Schema.String,
  timeoutMillis: Schema.Int
}) {
  override get message() {
    return `${this.url} was not read within ${this.timeoutMillis} ms`
  }
}

/** No answer, an answer that broke off, or redirects that cannot be followed. Worth another try later. */
export class FeedUnreachable extends Schema.TaggedError<FeedUnreachable>("patchmoi/FeedUnreachable")(
  "FeedUnreachable",
  { url: Schema.String, reason: Schema.String }
) {
  override get message() {
    return `${this.url} could not be read: ${this.reason}`
  }
}

/** Everything that a GET of a feed can fail with. */
export type FeedHttpError = FeedStatusError | FeedTooLarge | FeedTimeout | FeedUnreachable
