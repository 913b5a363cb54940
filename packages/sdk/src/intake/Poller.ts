/**
 * One poll of one source, from the request to the runs that it starts.
 *
 * 1. A signal, its event, the runs and the maintenance attempt are one commit: a crash at any point neither loses nor
 *    repeats a release.
 * 2. The validators of a document are kept after everything in it is: a poll that was cut short reads it again. So does one
 *    that was to prime where another was faster, with a document that may have been older.
 * 3. A source that cannot be read fails alone, and is tried again at its next poll.
 */
import type { RemoteBackend } from "@patchmoi/core/dispatch/RemoteBackend"
import { Engine } from "@patchmoi/core/engine/Engine"
import type { EventId, RunId } from "@patchmoi/core/Ids"
import { type SourceDocument, Sources, skippedEntriesMax } from "@patchmoi/core/source/Sources"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import { Store } from "@patchmoi/core/store/Store"
import { toIso } from "@patchmoi/core/Time"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { FeedEntry, ParsedFeed, SkippedEntry } from "./Entry.ts"
import { FeedHttp } from "./FeedHttp.ts"
import { type FeedStart, type FeedStateEntry, startFromFeedState } from "./FeedState.ts"
import type { Provider } from "./Provider.ts"
import { findProvider } from "./Providers.ts"
import { documentName } from "./Redact.ts"
import { type Selection, selectNew } from "./SelectNew.ts"
import { FeedSignal, toFlowEvent } from "./Signal.ts"
import type { Source } from "./Source.ts"

/** A signal that a poll found. */
export interface PolledSignal {
  readonly entryId: string
  readonly title: string
  /** The event that it became; absent where the source's target takes none. */
  readonly eventId?: EventId
  readonly runIds: ReadonlyArray<RunId>
}

/** What a poll of one source came to. */
export interface PollReport {
  readonly sourceId: string
  /** `primed`: the first look, which only remembers. `failed`: see `error`. */
  readonly outcome: "primed" | "polled" | "not_modified" | "failed"
  /** How many entries the document has. */
  readonly entries: number
  /** What is new, oldest first. */
  readonly signals: ReadonlyArray<PolledSignal>
  readonly skipped: ReadonlyArray<SkippedEntry>
  readonly error?: string
  /** What an operator should know, such as that a predecessor's state could not be used. */
  readonly note?: string
}

/** What a poll may be told. */
export interface PollOptions {
  /** What a predecessor knew of the source; used while the source is not primed. */
  readonly predecessor?: FeedStateEntry
  /** The backend that runs the source's events, when that is another one. */
  readonly backend?: RemoteBackend
}

/**
 * Of how many unreadable entries of one document a source tells. Half of what it remembers: an entry that comes on top
 * then does not push out of memory those that are still in the document, which would be told anew at each poll.
 */
export const skippedToldMax = skippedEntriesMax / 2

/** Makes the function that polls a source. It fails only when the store refuses. */
export const make = Effect.gen(function* () {
  const store = yield* Store
  const engine = yield* Engine
  const http = yield* FeedHttp

  const recordPoll = (source: Source, outcome: "ok" | "not_modified" | "failed", details: PollDetails) =>
    store.transact((transaction) =>
      transaction.execute(Sources, source.id, {
        _tag: "RecordPoll",
        outcome,
        now: transaction.now,
        url: documentName(source.url),
        ...details
      })
    )

  const failed = (source: Source, error: string) =>
    Effect.as(recordPoll(source, "failed", { error }), { ...quietReport(source, "failed"), error })

  /** Marks as seen what was there before us. */
  const prime = (source: Source, entryIds: ReadonlyArray<string>, importedLastSeenId?: string) =>
    store.transact((transaction) =>
      transaction.execute(Sources, source.id, {
        _tag: "Prime",
        entryIds,
        ...(importedLastSeenId === undefined ? {} : { importedLastSeenId })
      })
    )

  /** Tells of the newest entries that cannot be read, in one commit. */
  const skip = (source: Source, skipped: ReadonlyArray<SkippedEntry>) =>
    store.transact((transaction) =>
      Effect.forEach(
        skipped.slice(0, skippedToldMax),
        ({ id, index, reason }) =>
          transaction.execute(Sources, source.id, { _tag: "SkipEntry", entryId: id ?? `#${index}`, reason }),
        { discard: true }
      )
    )

  /** One commit: the signal, its event, the runs, the maintenance attempt. Nothing when another poll was faster. */
  const receive = (source: Source, signal: FeedSignal, { backend }: PollOptions) =>
    store.transact((transaction) =>
      Effect.gen(function* () {
        const event = toFlowEvent(source, signal, { now: toIso(transaction.now) })
        const eventId = Option.map(event, ({ id }) => id)
        const { facts } = yield* transaction.execute(Sources, source.id, {
          _tag: "ReceiveSignal",
          entryId: signal.entryId,
          signal: encodeSignal(signal),
          ...Option.match(eventId, { onNone: () => ({}), onSome: (id) => ({ eventId: id }) })
        })
        if (facts.length === 0) return []
        const polled = { entryId: signal.entryId, title: signal.title }
        if (Option.isNone(event)) return [{ ...polled, runIds: [] }]
        const { runIds } = yield* engine.accept(
          transaction,
          event.value,
          backend === undefined ? {} : { backend }
        )
        return [{ ...polled, eventId: event.value.id, runIds }]
      })
    )

  const emit = Effect.fnUntraced(function* (
    source: Source,
    provider: Provider,
    entries: ReadonlyArray<FeedEntry>,
    selection: Selection,
    options: PollOptions
  ) {
    const signals: Array<PolledSignal> = []
    const skipped: Array<SkippedEntry> = []
    for (const entry of selection.emit) {
      const signal = provider.toSignal(source, entry)
      if (Either.isRight(signal)) signals.push(...(yield* receive(source, signal.right, options)))
      else skipped.unshift({ id: entry.id, index: entries.indexOf(entry), reason: signal.left })
    }
    return { signals, skipped }
  })

  /** Where the source stands: its own document, or what its predecessor knew of it. */
  const standing = Effect.fnUntraced(function* (
    source: Source,
    known: SourceDocument | undefined,
    feed: ParsedFeed,
    { predecessor }: PollOptions
  ) {
    const own: FeedStart = { primed: known?.primed === true, seen: new Set(known?.seenIds ?? []) }
    if (own.primed || predecessor === undefined) return own
    const start = startFromFeedState(predecessor, feed.entries)
    if (start.primed) yield* prime(source, [...start.seen], predecessor.lastSeenId)
    return start
  })

  const take = Effect.fnUntraced(function* (
    source: Source,
    provider: Provider,
    known: SourceDocument | undefined,
    feed: ParsedFeed,
    options: PollOptions
  ) {
    const start = yield* standing(source, known, feed, options)
    // Where a predecessor watched, what is there is old, also when it cannot be told how old.
    const primeOnly = source.primeOnly || options.predecessor !== undefined
    const selection = selectNew(start.seen, feed.entries, {
      primed: start.primed,
      primeOnly,
      skipped: feed.skipped
    })
    const emitted = yield* emit(source, provider, feed.entries, selection, options)
    const seen = primeOnly ? selection.seen.toReversed() : []
    const wasFirst = !selection.primes || (yield* prime(source, seen)).facts.length > 0
    const skipped = [...feed.skipped, ...emitted.skipped]
    yield* skip(source, skipped)
    const report = {
      sourceId: source.id,
      outcome: selection.primes && primeOnly ? ("primed" as const) : ("polled" as const),
      entries: feed.entries.length,
      signals: emitted.signals,
      skipped,
      ...(start.note === undefined ? {} : { note: start.note })
    }
    return { report, isKept: wasFirst || !primeOnly }
  })

  return Effect.fn("Poller.poll")(function* (
    source: Source,
    options: PollOptions = {}
  ): Effect.fn.Return<PollReport, StoreError | VersionConflict> {
    const provider = findProvider(source.provider)
    if (provider === undefined) return yield* failed(source, `unknown provider "${source.provider}"`)
    const known = Option.getOrUndefined(yield* store.load(Sources, source.id))
    const { accept, bytesMax } = provider
    const response = yield* Effect.either(
      http.get({ url: source.url, accept, bytesMax, validators: validatorsOf(source, known) })
    )
    if (Either.isLeft(response)) return yield* failed(source, response.left.message)
    if (response.right._tag === "NotModified") {
      yield* recordPoll(source, "not_modified", validatorsOf(source, known))
      return quietReport(source, "not_modified")
    }
    const feed = provider.parse(source, response.right.bytes, { baseUrl: response.right.url })
    if (Either.isLeft(feed)) return yield* failed(source, feed.left.message)
    const { report, isKept } = yield* take(source, provider, known, feed.right, options)
    yield* recordPoll(source, "ok", isKept ? response.right.validators : {})
    return report
  })
})

// --- internal ---

interface PollDetails {
  readonly error?: string
  readonly etag?: string
  readonly lastModified?: string
}

const encodeSignal = Schema.encodeSync(FeedSignal)

const quietReport = (source: Source, outcome: PollReport["outcome"]): PollReport => ({
  sourceId: source.id,
  outcome,
  entries: 0,
  signals: [],
  skipped: []
})

/** What the server gave with the document of last time, if the source still names that document. */
const validatorsOf = (source: Source, known: SourceDocument | undefined): PollDetails => {
  const { url, etag, lastModified } = known?.lastPoll ?? {}
  if (url !== documentName(source.url)) return {}
  return {
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined ? {} : { lastModified })
  }
}
