/**
 * Talking to remotes: fetch, find what a tag names, list their refs. `Push.ts` writes to them.
 *
 * - The tags of a remote are kept under `refs/patchmoi/tags/<remote>/`, apart from the fork's own. A fork's tag can so
 *   never be mistaken for upstream's, and a tag that upstream moved is seen as moved.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, type GitError, linesOf, redactUrls } from "./Git.ts"
import { isObjectId, ObjectId, parseRef, parseRemote, parseTag, RefName, type RemoteName } from "./GitName.ts"
import { deleteRef } from "./internal/recordCommit.ts"
import { type Repository, readRefs, resolveCommit } from "./Repository.ts"
import { upstreamTagsRef } from "./UpstreamRefs.ts"

/** Time of one talk with a remote unless the caller says otherwise, in milliseconds: 10 minutes. */
export const remoteTimeoutMillisDefault = 600_000

/** The remote did not answer, refused us, or took too long. Trying again later may help. */
export class RemoteUnreachable extends Schema.TaggedError<RemoteUnreachable>("git/RemoteUnreachable")(
  "RemoteUnreachable",
  { remote: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `The remote ${this.remote} could not be reached: ${this.detail.trim().slice(0, 2_000)}`
  }
}

/** No tag of this name is known here. */
export class TagNotFound extends Schema.TaggedError<TagNotFound>("git/TagNotFound")("TagNotFound", {
  tag: Schema.String,
  remote: Schema.NullOr(Schema.String)
}) {
  override get message(): string {
    return `The tag ${this.tag} is not known here${this.remote === null ? "" : `; fetch it from ${this.remote} first`}`
  }
}

/** A ref that fetch created, moved or (with `after: null`) removed. */
export const RefChange = Schema.Struct({
  ref: RefName,
  before: Schema.NullOr(ObjectId),
  after: Schema.NullOr(ObjectId)
})
export type RefChange = typeof RefChange.Type

/** What a fetch changed. */
export const FetchResult = Schema.Struct({
  changes: Schema.Array(RefChange),
  /** Tags that existed before and name something else now: a reason for alarm, not for a build. */
  retagged: Schema.Array(Schema.String)
})
export type FetchResult = typeof FetchResult.Type

/** What `fetchRemote` takes over: branches to `refs/remotes/<remote>/`, tags to `refs/patchmoi/tags/<remote>/`. */
export interface FetchOptions {
  readonly repository: Repository
  /** Name of the remote. */
  readonly remote: string
  /** Whether tags are fetched as well. (Default: true.) */
  readonly tags?: boolean
  /** Remove remote-tracking branches that the remote no longer has. (Default: true.) */
  readonly prune?: boolean
  /** Remove kept tags that the remote no longer has. (Default: false: only those in the way of others.) */
  readonly pruneTags?: boolean
  /** Time of each fetch: one for the branches, one for the tags. (Default: 10 minutes.) */
  readonly timeoutMillis?: number
}

/** Fetches all branches, and the tags, of one remote. `InvalidName`, `RemoteUnreachable`, `GitError`. */
export const fetchRemote = Effect.fn("Remote.fetch")(function* (options: FetchOptions) {
  const { repository } = options
  const remote = yield* parseRemote(options.remote)
  const [branchHome, tagHome] = [`refs/remotes/${remote}/`, upstreamTagsRef(remote)]
  const homes = [branchHome, tagHome]
  const before = yield* readRefs({ repository, patterns: homes })
  const limited = options.timeoutMillis === undefined ? {} : { timeoutMillis: options.timeoutMillis }
  const fetching = { repository, remote, ...limited }
  yield* fetchAll({ ...fetching, from: "refs/heads/", to: branchHome, prune: options.prune ?? true })
  if (options.tags ?? true) {
    yield* fetchAll({ ...fetching, from: "refs/tags/", to: tagHome, prune: options.pruneTags ?? false })
  }
  const after = yield* readRefs({ repository, patterns: homes })
  const changes: Array<RefChange> = []
  for (const name of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const ref = yield* parseRef(name)
    const change = { ref, before: before.get(name) ?? null, after: after.get(name) ?? null }
    if (change.before !== change.after) changes.push(change)
  }
  const retagged = changes
    .filter((change) => change.ref.startsWith(tagHome) && change.before !== null && change.after !== null)
    .map((change) => change.ref.slice(tagHome.length))
  const result: FetchResult = { changes, retagged }
  return result
})

/** What a tag names. */
export interface ResolvedTag {
  readonly tag: string
  /** The ref that holds it here. */
  readonly ref: RefName
  /** The commit, annotated tags peeled. */
  readonly commit: ObjectId
}

/**
 * Finds the commit of a tag: upstream's own where it was fetched, else a tag of the repository.
 *
 * `InvalidName`, `TagNotFound`, `RevisionNotFound` (the tag names no commit), `GitError`.
 */
export const resolveTag = Effect.fn("Remote.resolveTag")(function* (options: {
  readonly repository: Repository
  readonly tag: string
  /** The remote whose tag is meant. (Default: only the repository's own tags.) */
  readonly remote?: string
}) {
  const { repository, tag } = options
  const own = yield* parseTag(tag)
  const remote = options.remote === undefined ? null : yield* parseRemote(options.remote)
  const kept = remote === null ? [] : [yield* parseRef(`${upstreamTagsRef(remote)}${tag}`)]
  const candidates = [...kept, own]
  const refs = yield* readRefs({ repository, patterns: candidates })
  const ref = candidates.find((candidate) => refs.has(candidate))
  if (ref === undefined) return yield* new TagNotFound({ tag, remote })
  const resolved: ResolvedTag = { tag, ref, commit: yield* resolveCommit({ repository, revision: ref }) }
  return resolved
})

/** The refs of a remote under full names or patterns, peeled tags under `<ref>^{}`. `RemoteUnreachable`, `InvalidName`. */
export const listRemoteRefs = Effect.fn("Remote.listRefs")(function* (options: {
  readonly repository: Repository
  readonly remote: string
  readonly patterns: ReadonlyArray<string>
  readonly timeoutMillis?: number
}) {
  const git = yield* Git
  const remote = yield* parseRemote(options.remote)
  const output = yield* git
    .run({
      args: ["ls-remote", "--quiet", "--end-of-options", remote, ...options.patterns],
      cwd: options.repository.directory,
      timeout: options.timeoutMillis ?? remoteTimeoutMillisDefault
    })
    .pipe(Effect.mapError((error) => unreachable(remote, error)))
  const refs = new Map<string, ObjectId>()
  for (const line of linesOf(output.stdout)) {
    const [id = "", name = ""] = line.split("\t")
    if (isObjectId(id)) refs.set(name, id)
  }
  return refs
})

/** One fetch of one refspec. */
export interface FetchRefspecOptions {
  readonly repository: Repository
  readonly remote: RemoteName
  readonly refspec: string
  /** Settings of git for this fetch, as `key=value`. (Default: none.) */
  readonly config?: ReadonlyArray<string>
  /** (Default: the repository's own setting is passed over, and nothing is pruned.) */
  readonly prune?: boolean
  /** (Default: 10 minutes.) */
  readonly timeoutMillis?: number
}

/** Fetches what the refspec names, and writes no ref besides: no tags, no submodules, no FETCH_HEAD. `RemoteUnreachable`. */
export const fetchRefspec = Effect.fn("Remote.fetchRefspec")(function* (options: FetchRefspecOptions) {
  const git = yield* Git
  const { config = [], prune = false, refspec, remote, repository } = options
  yield* git
    .run({
      args: [
        ...config.flatMap((setting) => ["-c", setting]),
        "fetch",
        "--quiet",
        "--no-tags",
        // Git also updates what the remote's own settings map these refs to. In a mirror clone that is our branches.
        "--refmap=",
        "--no-recurse-submodules",
        "--no-write-fetch-head",
        "--no-auto-maintenance",
        prune ? "--prune" : "--no-prune",
        "--end-of-options",
        remote,
        refspec
      ],
      cwd: repository.directory,
      timeout: options.timeoutMillis ?? remoteTimeoutMillisDefault
    })
    .pipe(Effect.mapError((error) => unreachable(remote, error)))
})

// --- internal ---

/**
 * Fetches every ref below `from`. Without pruning, a ref that the remote no longer has (`v2`) may stand where one that it has
 * now is to go (`v2/beta`), and git would refuse that for ever: such refs are removed, and no others.
 */
const fetchAll = Effect.fnUntraced(function* (
  options: Omit<FetchRefspecOptions, "refspec"> & { readonly from: string; readonly to: string }
) {
  const { from, remote, repository, to } = options
  const fetching = fetchRefspec({ ...options, refspec: `+${from}*:${to}*` })
  yield* fetching.pipe(
    Effect.catchIf(
      (error) => error.detail.includes("cannot lock ref"),
      (error) =>
        Effect.gen(function* () {
          const theirs = [...(yield* listRemoteRefs({ repository, remote, patterns: [`${from}*`] })).keys()]
          const inTheWay = [...(yield* readRefs({ repository, patterns: [to] }))].filter(([ref]) => {
            const name = `${from}${ref.slice(to.length)}`
            return theirs.some((each) => each.startsWith(`${name}/`) || name.startsWith(`${each}/`))
          })
          if (inTheWay.length === 0) return yield* error
          for (const [name, expected] of inTheWay) {
            yield* deleteRef({ repository, ref: yield* parseRef(name), expected })
          }
          yield* fetching
        })
    )
  )
})

const unreachable = (remote: RemoteName, error: GitError) =>
  new RemoteUnreachable({ remote, detail: redactUrls(error.stderr) })
