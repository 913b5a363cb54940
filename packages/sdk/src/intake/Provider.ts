/**
 * What a provider is: how to ask for its document, how to read it, and how an entry becomes a signal.
 * A provider is one file under `providers/` and one line in `Providers.ts`.
 */
import type * as Either from "effect/Either"
import type { FeedEntry, ParsedFeed } from "./Entry.ts"
import type { NotAFeed } from "./FeedErrors.ts"
import type { FeedSignal } from "./Signal.ts"
import type { Source, UpstreamEventKind } from "./Source.ts"

/** Knows one kind of upstream. Pure: no network, no clock. */
export interface Provider {
  /** The name in the sources file. */
  readonly name: string
  /** The value of the `Accept` header. Validators belong to the pair of URL and this value. */
  readonly accept: string
  /** Largest document that is read, in bytes after decompression. */
  readonly bytesMax: number
  /** The events that a source of this provider may watch. */
  readonly events: ReadonlyArray<UpstreamEventKind>
  /**
   * Reads a document. Entries that cannot be read are listed as skipped; a document that is none fails.
   * `baseUrl` is where the document was in the end, after redirects: relative links are resolved against it.
   */
  readonly parse: (
    source: Source,
    bytes: Uint8Array,
    options: { readonly baseUrl: string }
  ) => Either.Either<ParsedFeed, NotAFeed>
  /** The signal of an entry, or why it makes none. */
  readonly toSignal: (source: Source, entry: FeedEntry) => Either.Either<FeedSignal, string>
}
