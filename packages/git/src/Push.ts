/**
 * Publishing one ref: a push with an exact lease, whose outcome is a value.
 *
 * The lease names what the remote ref must be at this moment; the server checks it again when it updates the ref. There
 * is no way to push without one.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, type GitOutput } from "./Git.ts"
import { ObjectId, parseRef, parseRemote, RefName, type RemoteName, shortName } from "./GitName.ts"
import { notAsMirror, pushLineOf, saysMoved, serverWords } from "./internal/pushReport.ts"
import { listRemoteRefs, remoteTimeoutMillisDefault } from "./Remote.ts"
import type { Repository } from "./Repository.ts"

/** The remote ref now names the commit. */
export const Pushed = Schema.TaggedStruct("Pushed", { ref: RefName, commit: ObjectId })
/** The remote ref named the commit already; nothing was sent. */
export const UpToDate = Schema.TaggedStruct("UpToDate", { ref: RefName, commit: ObjectId })
/** The remote ref is not what was expected; nothing was changed. */
export const Stale = Schema.TaggedStruct("Stale", {
  ref: RefName,
  expected: Schema.NullOr(ObjectId),
  /** What the remote ref is, read right after the refusal. */
  actual: Schema.NullOr(ObjectId)
})
/** The server said no (a hook, a protected branch); nothing was changed. Trying again will not help. */
export const Declined = Schema.TaggedStruct("Declined", { ref: RefName, message: Schema.String })
/** The server was not reached or did not answer in time. Whether the ref moved is unknown; read it before trying again. */
export const Unreachable = Schema.TaggedStruct("Unreachable", { ref: RefName, message: Schema.String })

/** What became of a push, by `_tag`. After `Pushed` and `UpToDate` the remote ref names the commit. */
export const PushOutcome = Schema.Union(Pushed, UpToDate, Stale, Declined, Unreachable)
export type PushOutcome = typeof PushOutcome.Type

/** The ref has the name of an upstream tag, and would pass for upstream's release. Nothing was sent. */
export class PublishedRefIsUpstreamTag extends Schema.TaggedError<PublishedRefIsUpstreamTag>(
  "git/PublishedRefIsUpstreamTag"
)("PublishedRefIsUpstreamTag", { ref: RefName, upstreamRemote: Schema.String }) {
  override get message(): string {
    return `${this.ref} is not pushed: ${this.upstreamRemote} has a tag of that name; publish under a name of your own`
  }
}

/** Which remote ref `pushRef` moves, and to what. A ref that is what was expected moves even if it loses commits by that. */
export interface PushOptions {
  readonly repository: Repository
  /** Name of the remote. */
  readonly remote: string
  /** The full name of the ref at the remote: a branch or a tag. */
  readonly ref: string
  /** What the ref is to name; its objects must be in the repository. */
  readonly commit: ObjectId
  /** What the remote ref must be now; `null` when it must not exist. */
  readonly expected: ObjectId | null
  /** The remote whose tag names are taken. `null` only for a repository without upstream. */
  readonly upstreamRemote: string | null
  /** Time of the push; each question to a remote around it has 10 minutes of its own. (Default: 10 minutes.) */
  readonly timeoutMillis?: number
}

export { serverMessageLengthMax } from "./internal/pushReport.ts"

/**
 * Pushes the commit to the ref. What the server says is a `PushOutcome`.
 *
 * Errors, nothing sent: `InvalidName`, `PublishedRefIsUpstreamTag`, `RemoteUnreachable` (upstream's tags could not be
 * read), `GitError` (git did not start).
 */
export const pushRef = Effect.fn("Push.push")(function* (options: PushOptions) {
  const git = yield* Git
  const { repository } = options
  const ref = yield* parseRef(options.ref)
  const remote = yield* parseRemote(options.remote)
  yield* refuseUpstreamTag(options, ref)
  const command = {
    args: [
      ...notAsMirror(remote),
      "push",
      "--porcelain",
      "--no-follow-tags",
      "--recurse-submodules=no",
      `--force-with-lease=${ref}:${options.expected ?? ""}`,
      "--end-of-options",
      remote,
      `${options.commit}:${ref}`
    ],
    cwd: repository.directory,
    timeout: options.timeoutMillis ?? remoteTimeoutMillisDefault,
    okExitCodes: [0, 1, 128]
  }
  const outcome = yield* git.run(command).pipe(
    Effect.map((output) => readOutcome(output, ref, options)),
    Effect.catchTag("GitError", (error) =>
      error.reason === "timeout"
        ? Effect.succeed(Unreachable.make({ ref, message: "the push was over its time" }))
        : Effect.fail(error)
    )
  )
  return outcome._tag === "Stale" ? yield* withActual(options, remote, outcome) : outcome
})

// --- internal ---

const refuseUpstreamTag = (options: PushOptions, ref: RefName) =>
  Effect.gen(function* () {
    if (options.upstreamRemote === null) return
    const upstreamRemote = yield* parseRemote(options.upstreamRemote)
    const tag = `refs/tags/${shortName(ref)}`
    const { repository } = options
    const tags = yield* listRemoteRefs({ repository, remote: upstreamRemote, patterns: [tag] })
    if (tags.has(tag)) return yield* new PublishedRefIsUpstreamTag({ ref, upstreamRemote })
  })

const readOutcome = (output: GitOutput, ref: RefName, options: PushOptions): PushOutcome => {
  const line = pushLineOf(output, ref)
  if (line === null) return Unreachable.make({ ref, message: serverWords(output.stderr) })
  if (line.flag === "=") return UpToDate.make({ ref, commit: options.commit })
  if (line.flag !== "!") return Pushed.make({ ref, commit: options.commit })
  return saysMoved(line.summary)
    ? Stale.make({ ref, expected: options.expected, actual: null })
    : Declined.make({ ref, message: serverWords(`${line.summary}\n${output.stderr}`) })
}

const withActual = (options: PushOptions, remote: RemoteName, stale: typeof Stale.Type) =>
  listRemoteRefs({ repository: options.repository, remote, patterns: [stale.ref] }).pipe(
    Effect.map((refs): PushOutcome => Stale.make({ ...stale, actual: refs.get(stale.ref) ?? null })),
    Effect.catchTag("RemoteUnreachable", (error) =>
      Effect.succeed<PushOutcome>(Unreachable.make({ ref: stale.ref, message: error.detail }))
    )
  )
