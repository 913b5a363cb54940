/**
 * A watched source: one entry of `feed-sources.json`. The field names are a published interface that
 * operators and their scripts rely on; docs/reference/feed-sources.md is the page for them.
 */
import { SourceId } from "@patchmoi/core/Ids"
import type * as FastCheck from "effect/FastCheck"
import * as Schema from "effect/Schema"
import { hasCredentials } from "./Redact.ts"

/** Shortest time between two polls of one source, in seconds. A shorter one in the file is raised to it. */
export const pollIntervalSecondsMin = 30
/** Longest time between two polls of one source, in seconds: seven days. */
export const pollIntervalSecondsMax = 604_800
/** Time between two polls of a source that names none, in seconds. */
export const pollIntervalSecondsDefault = 300

const text = Schema.String.annotations({ description: "a string" })

const filledText = Schema.String.pipe(Schema.filter((value) => value.trim().length > 0)).annotations({
  description: "a string that is not blank"
})

/** Values for property tests: a filter over any text would hardly ever find a URL. */
const webUrls = () => (check: typeof FastCheck) => check.webUrl()

const urlOf = (protocols: ReadonlyArray<string>, description: string) =>
  Schema.String.pipe(
    Schema.filter((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol))
  ).annotations({ description, arbitrary: webUrls })

/** An address to read from. Credentials in it are allowed, are sent as a header, and appear in no message. */
export const HttpUrl = urlOf(["http:", "https:"], "an http:// or https:// URL")

/** An address to show. It is written into every signal, so it may carry no credentials. */
const PublicUrl = HttpUrl.pipe(Schema.filter((value) => !hasCredentials(value))).annotations({
  description: "an http:// or https:// URL without a user name or password in it",
  arbitrary: webUrls
})

const BackendUrl = urlOf(["http:", "https:", "ws:", "wss:"], "an http://, https://, ws:// or wss:// URL")

const EnvName = Schema.String.pipe(Schema.pattern(/^[A-Za-z_][A-Za-z0-9_]{0,254}$/)).annotations({
  description: "the name of an environment variable"
})

/** What a source watches: commits on a branch, or published releases. */
export const UpstreamEventKind = Schema.Literal("push", "release").annotations({
  description: '"push" or "release"'
})
export type UpstreamEventKind = typeof UpstreamEventKind.Type

/** The upstream repository or package that a source speaks of. For npm, `fullName` is the package's name. */
export const SourceRepo = Schema.Struct({
  /** Owner or scope; may be empty where there is none, as for an npm package without a scope. */
  owner: text,
  name: filledText,
  fullName: filledText,
  /** The page for people. */
  webUrl: PublicUrl,
  /** The branch that a `push` source follows; gives the signal its `ref`. */
  defaultBranch: Schema.optional(filledText)
}).annotations({ description: "an object with owner, name, fullName and webUrl" })
export interface SourceRepo extends Schema.Schema.Type<typeof SourceRepo> {}

/** A target that keeps a mirror of the upstream in step, or only tells of it. Makes no flow event. */
export const ForkSyncTarget = Schema.Struct({
  mode: Schema.Literal("notify_only", "fork_sync"),
  provider: filledText,
  repoFullName: filledText,
  branch: filledText
}).annotations({ description: "a fork target with provider, repoFullName and branch" })
export interface ForkSyncTarget extends Schema.Schema.Type<typeof ForkSyncTarget> {}

/** A target that makes a flow event of each signal. `payload` is merged over the event's payload, last. */
export const WorkspaceTarget = Schema.Struct({
  mode: Schema.Literal("workspace_flow", "flow_dispatch"),
  eventType: filledText.pipe(Schema.maxLength(256)).annotations({
    description: "an event type: a string that is not blank, of at most 256 characters"
  }),
  workspaceUrl: Schema.optional(BackendUrl),
  workspaceUrlEnv: Schema.optional(EnvName),
  workspaceSecretEnv: Schema.optional(EnvName),
  dispatchUrl: Schema.optional(BackendUrl),
  dispatchUrlEnv: Schema.optional(EnvName),
  dispatchSecretEnv: Schema.optional(EnvName),
  payload: Schema.optional(
    Schema.Record({ key: Schema.String, value: Schema.Unknown }).annotations({ description: "an object" })
  )
}).annotations({ description: "a workspace target with eventType" })
export interface WorkspaceTarget extends Schema.Schema.Type<typeof WorkspaceTarget> {}

/** What happens with the signals of a source. `mode` tells the kinds apart. */
export const SourceTarget = Schema.Union(ForkSyncTarget, WorkspaceTarget)
export type SourceTarget = typeof SourceTarget.Type

/** The modes of {@link SourceTarget}, for messages. */
export const targetModes = ["notify_only", "fork_sync", "workspace_flow", "flow_dispatch"] as const

/** Whether signals of this target become flow events. */
export const isWorkspaceTarget = (target: SourceTarget | undefined): target is WorkspaceTarget =>
  target?.mode === "workspace_flow" || target?.mode === "flow_dispatch"

/** One watched source, with its defaults filled in. */
export const Source = Schema.Struct({
  id: SourceId.annotations({
    description: "an id: 1 to 512 characters, not blank, without control characters"
  }),
  /** The name of a provider of `Providers.ts`; which one it may be is checked where the file is read. */
  provider: filledText,
  url: HttpUrl,
  event: UpstreamEventKind,
  repo: SourceRepo,
  target: Schema.optional(SourceTarget),
  pollIntervalSeconds: Schema.optionalWith(
    Schema.Int.pipe(Schema.between(pollIntervalSecondsMin, pollIntervalSecondsMax)).annotations({
      description: `a whole number of seconds from 1 to ${pollIntervalSecondsMax}`
    }),
    { default: () => pollIntervalSecondsDefault }
  ),
  /** Whether the first poll only remembers what is there (default), or emits it too (`false`). */
  primeOnly: Schema.optionalWith(Schema.Boolean.annotations({ description: "true or false" }), {
    default: () => true
  })
})
export interface Source extends Schema.Schema.Type<typeof Source> {}
