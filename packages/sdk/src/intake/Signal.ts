/**
 * A signal: one upstream movement, normalised, the same shape from every provider. And the flow event that
 * it becomes. Both are pure functions of the source and the entry: read twice, they are the same twice.
 */
import { createHash } from "node:crypto"
import type { FlowEvent } from "@patchmoi/core/event/FlowEvent"
import { EventId, idLengthMax } from "@patchmoi/core/Ids"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type FeedEntry, RawEntry } from "./Entry.ts"
import { withoutCredentials } from "./Redact.ts"
import { isWorkspaceTarget, type Source, SourceRepo, SourceTarget, UpstreamEventKind } from "./Source.ts"

/** One upstream movement. Encodes to JSON; the fields are a published interface. */
export const FeedSignal = Schema.Struct({
  sourceId: Schema.String,
  provider: Schema.String,
  event: UpstreamEventKind,
  entryId: Schema.String,
  title: Schema.String,
  url: Schema.optional(Schema.String),
  author: Schema.optional(Schema.String),
  /** ISO 8601, UTC. Absent when upstream gave no date; none is made up. */
  publishedAt: Schema.optional(Schema.String),
  repo: SourceRepo,
  /** For a push `refs/heads/<defaultBranch>`, for a release the tag, or the version of a package. */
  ref: Schema.optional(Schema.String),
  /** The commit, where the entry names it: 40 or 64 hexadecimal digits. */
  sha: Schema.optional(Schema.String),
  /** As in the sources file, without credentials in its URLs. */
  target: Schema.optional(SourceTarget),
  raw: RawEntry
})
export interface FeedSignal extends Schema.Schema.Type<typeof FeedSignal> {}

/** What a provider adds to an entry to make it a signal. */
export interface SignalParts {
  readonly ref?: string
  readonly sha?: string
}

/** Puts a signal together. Fields that are not known are absent, never empty. */
export const makeSignal = (source: Source, entry: FeedEntry, parts: SignalParts): FeedSignal => ({
  sourceId: source.id,
  provider: source.provider,
  event: source.event,
  entryId: entry.id,
  title: entry.title,
  ...(entry.url === undefined ? {} : { url: entry.url }),
  ...(entry.author === undefined ? {} : { author: entry.author }),
  ...(entry.publishedAt === undefined ? {} : { publishedAt: entry.publishedAt }),
  repo: source.repo,
  ...(parts.ref === undefined ? {} : { ref: parts.ref }),
  ...(parts.sha === undefined ? {} : { sha: parts.sha }),
  ...(source.target === undefined ? {} : { target: withoutSecrets(source.target) }),
  raw: entry.raw
})

/**
 * The flow event of a signal, or none where the source's target is not a workspace.
 * The source's `target.payload` is merged over the payload last: it may add fields and replace any.
 */
export const toFlowEvent = (
  source: Source,
  signal: FeedSignal,
  options: {
    /** When patchmoi took the signal in: ISO 8601, UTC. */
    readonly now: string
  }
): Option.Option<FlowEvent> => {
  const { target } = source
  if (!isWorkspaceTarget(target)) return Option.none()
  return Option.some({
    id: makePatchEventId(signal.sourceId, signal.entryId, target.eventType),
    type: target.eventType,
    source: "patch",
    ...(signal.publishedAt === undefined ? {} : { occurredAt: signal.publishedAt }),
    receivedAt: options.now,
    payload: { ...payloadOf(signal), ...target.payload }
  })
}

/**
 * The id of the event: `patch:<sourceId>:<entryId>:<eventType>`.
 *
 * An id that would be longer than an event id may be, or hold control characters, becomes: its first
 * characters with `-` for each control character, `:`, and 32 hexadecimal digits of a SHA-256 over the three
 * parts, each prefixed with its length. The same parts give the same id on every machine.
 */
export const makePatchEventId = (sourceId: string, entryId: string, eventType: string): EventId => {
  const full = `patch:${sourceId}:${entryId}:${eventType}`
  if (isEventId(full)) return full
  const hash = createHash("sha256")
    .update([sourceId, entryId, eventType].map((part) => `${part.length}:${part}`).join(""))
    .digest("hex")
    .slice(0, 32)
  // A cut between the halves of a surrogate pair would leave a character that UTF-8 cannot write.
  const start = full.slice(0, idLengthMax - hash.length - 1).toWellFormed()
  return EventId.make(`${start.replace(controls, "-")}:${hash}`)
}

// --- internal ---

const isEventId = Schema.is(EventId)

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced.
const controls = /[\u0000-\u001f\u007f]/g

const payloadOf = (signal: FeedSignal): Readonly<Record<string, unknown>> => {
  const release = signal.event === "release" ? { tag: signal.ref } : {}
  const packaged = signal.provider === "npm" ? { packageName: signal.repo.fullName, version: signal.ref } : {}
  const payload: Readonly<Record<string, unknown>> = {
    provider: signal.provider,
    event: signal.event,
    sourceId: signal.sourceId,
    entryId: signal.entryId,
    title: signal.title,
    url: signal.url,
    author: signal.author,
    publishedAt: signal.publishedAt,
    repo: signal.repo.fullName,
    repoOwner: signal.repo.owner,
    repoName: signal.repo.name,
    ref: signal.ref,
    sha: signal.sha,
    ...release,
    ...packaged,
    raw: signal.raw
  }
  // A field that is `undefined` would be lost in JSON and make the event differ from what is read back.
  return Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined))
}

/** A signal is written to the log and to files that people read: URLs in its target lose their credentials. */
const withoutSecrets = (target: SourceTarget): SourceTarget =>
  isWorkspaceTarget(target)
    ? {
        ...target,
        ...(target.workspaceUrl === undefined
          ? {}
          : { workspaceUrl: withoutCredentials(target.workspaceUrl) }),
        ...(target.dispatchUrl === undefined ? {} : { dispatchUrl: withoutCredentials(target.dispatchUrl) })
      }
    : target
