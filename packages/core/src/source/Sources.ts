/**
 * The aggregate of watched sources.
 *
 * 1. An entry is a signal at most once: what was seen is a set, so that reordered, edited and deleted entries
 *    neither repeat nor hide anything.
 * 2. A source that has been primed stays primed, also when its feed was empty at the time.
 */
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { EventId, SourceId } from "../Ids.ts"
import { withoutUndefined } from "../internal/withoutUndefined.ts"
import * as Aggregate from "../store/Aggregate.ts"
import { toIso } from "../Time.ts"

/** The source has been looked at for the first time: these entries were there before us, and are no signals. */
export const SourcePrimed = Schema.TaggedStruct("SourcePrimed", {
  /** In the order of the document, newest first. */
  entryIds: Schema.Array(Schema.String),
  /** Where a predecessor's state said to go on from, when there was one. */
  importedLastSeenId: Schema.optional(Schema.String)
})

/** An entry moved upstream: it was normalised into a signal, and its event, if it has a target, was dispatched in the same commit. */
export const SignalReceived = Schema.TaggedStruct("SignalReceived", {
  entryId: Schema.String,
  /** The signal, in the published fields of a line of `feed-events.jsonl`. */
  signal: Schema.Record({ key: Schema.String, value: Schema.Unknown }),
  eventId: Schema.optional(EventId)
})

/** An entry cannot be read; it is passed over, and told once per reason. It is not seen: once repaired, it is news. */
export const EntrySkipped = Schema.TaggedStruct("EntrySkipped", {
  entryId: Schema.String,
  reason: Schema.String
})

/** A poll whose outcome is worth keeping: the first, one that differs from the one before, or one an hour later. */
export const SourcePolled = Schema.TaggedStruct("SourcePolled", {
  outcome: Schema.Literal("ok", "not_modified", "failed"),
  error: Schema.optional(Schema.String),
  /** The document that the validators belong to, without secrets: at another address they say nothing. */
  url: Schema.optional(Schema.String),
  etag: Schema.optional(Schema.String),
  lastModified: Schema.optional(Schema.String)
})

/**
 * Everything that can happen to a watched source: it is primed, polled, and its entries become signals or are passed over.
 */
export const SourceFact = Schema.Union(SourcePrimed, SignalReceived, EntrySkipped, SourcePolled)
export type SourceFact = typeof SourceFact.Type

/** What is known of a watched source: which of its entries are no news any more, and what came of the last poll. */
export const SourceDocument = Schema.Struct({
  id: SourceId,
  primed: Schema.Boolean,
  /** Every entry that was ever seen, as a signal or at priming. */
  seenIds: Schema.Array(Schema.String),
  /** The newest entry that was seen, as `feed-state.json` names it. */
  lastSeenId: Schema.optional(Schema.String),
  /** Entries that cannot be read: the last {@link skippedEntriesMax}, oldest first. */
  skipped: Schema.Array(Schema.Struct({ entryId: Schema.String, reason: Schema.String })),
  /** The last poll that left a fact: {@link SourcePolled} says which do. */
  lastPoll: Schema.optional(
    Schema.Struct({
      /** ISO 8601, UTC. */
      at: Schema.String,
      outcome: Schema.Literal("ok", "not_modified", "failed"),
      error: Schema.optional(Schema.String),
      url: Schema.optional(Schema.String),
      etag: Schema.optional(Schema.String),
      lastModified: Schema.optional(Schema.String)
    })
  )
})
export interface SourceDocument extends Schema.Schema.Type<typeof SourceDocument> {}

/** How many skipped entries a source remembers by name; all stay in its history. */
export const skippedEntriesMax = 100

/** How long a poll that differs in nothing from the one before leaves no fact, in milliseconds (1 hour). */
export const quietPollMillis = 3_600_000

/**
 * What can be recorded of a source; nothing is refused. `Prime` counts once, `ReceiveSignal` once for each entry,
 * `SkipEntry` once for each entry and reason, and `RecordPoll` where its outcome is worth keeping ({@link SourcePolled});
 * its `now` is in milliseconds since the Unix epoch.
 */
export type SourceCommand =
  | { readonly _tag: "Prime"; readonly entryIds: ReadonlyArray<string>; readonly importedLastSeenId?: string }
  | {
      readonly _tag: "ReceiveSignal"
      readonly entryId: string
      readonly signal: Readonly<Record<string, unknown>>
      readonly eventId?: EventId
    }
  | { readonly _tag: "SkipEntry"; readonly entryId: string; readonly reason: string }
  | ({ readonly _tag: "RecordPoll"; readonly now: number } & Omit<typeof SourcePolled.Type, "_tag">)

const decide = (
  command: SourceCommand,
  source: SourceDocument | undefined
): Either.Either<ReadonlyArray<SourceFact>> => {
  switch (command._tag) {
    case "Prime": {
      const { _tag, ...priming } = command
      return Either.right(source?.primed === true ? [] : [{ _tag: "SourcePrimed", ...priming }])
    }
    case "ReceiveSignal": {
      const { _tag, ...received } = command
      return Either.right(hasSeen(source, command.entryId) ? [] : [{ _tag: "SignalReceived", ...received }])
    }
    case "SkipEntry": {
      const { entryId, reason } = command
      const told = source?.skipped.some((skipped) => skipped.entryId === entryId && skipped.reason === reason)
      return Either.right(told === true ? [] : [{ _tag: "EntrySkipped", entryId, reason }])
    }
    case "RecordPoll": {
      const { _tag, now, ...polled } = command
      return Either.right(isQuiet(source, polled, now) ? [] : [{ _tag: "SourcePolled", ...polled }])
    }
  }
}

const evolve = (
  source: SourceDocument | undefined,
  fact: SourceFact,
  { key, at }: Aggregate.FactPlace
): SourceDocument => {
  const before: SourceDocument = source ?? { id: SourceId.make(key), primed: false, seenIds: [], skipped: [] }
  switch (fact._tag) {
    case "SourcePrimed":
      return withoutUndefined({
        ...before,
        primed: true,
        seenIds: [...new Set([...before.seenIds, ...fact.entryIds])],
        lastSeenId: fact.entryIds[0] ?? fact.importedLastSeenId ?? before.lastSeenId
      })
    case "SignalReceived":
      return { ...seen(before, fact.entryId), primed: true, lastSeenId: fact.entryId }
    case "EntrySkipped": {
      const skipped = [...before.skipped, { entryId: fact.entryId, reason: fact.reason }]
      return { ...before, skipped: skipped.slice(-skippedEntriesMax) }
    }
    case "SourcePolled": {
      const { _tag, ...polled } = fact
      return { ...before, lastPoll: { at: toIso(at), ...polled } }
    }
  }
}

/** Watched sources, by their id. */
export const Sources = Aggregate.make({ name: "source", fact: SourceFact, decide, evolve, indexes: {} })

// --- internal ---

const hasSeen = (source: SourceDocument | undefined, entryId: string): boolean =>
  source?.seenIds.includes(entryId) === true

const seen = (source: SourceDocument, entryId: string): SourceDocument =>
  source.seenIds.includes(entryId) ? source : { ...source, seenIds: [...source.seenIds, entryId] }

const isQuiet = (
  source: SourceDocument | undefined,
  polled: Omit<typeof SourcePolled.Type, "_tag">,
  now: number
): boolean => {
  const last = source?.lastPoll
  if (last === undefined || now - Date.parse(last.at) >= quietPollMillis) return false
  return (["outcome", "error", "url", "etag", "lastModified"] as const).every(
    (field) => last[field] === polled[field]
  )
}
