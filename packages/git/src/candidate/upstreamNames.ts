/** Names and commits that are upstream's, and that a fork does not publish as its own. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, textOf } from "../Git.ts"
import { ObjectId, type RefName, type RemoteName, shortName } from "../GitName.ts"
import { PublishedRefIsUpstreamTag } from "../Push.ts"
import { listRemoteRefs } from "../Remote.ts"
import { type Repository, readRefs } from "../Repository.ts"
import { readUpstreamCommits, upstreamTagsRef } from "../UpstreamRefs.ts"
import { readProof } from "./CandidateNotes.ts"

/** The commit is upstream's own, and a release tag of the fork would pass it off as the fork's. Nothing was sent. */
export class CommitIsUpstreams extends Schema.TaggedError<CommitIsUpstreams>("git/CommitIsUpstreams")(
  "CommitIsUpstreams",
  { ref: Schema.String, commitId: ObjectId }
) {
  override get message(): string {
    return `${shortName(this.ref)} is not published: ${this.commitId} is upstream's own commit, and no patch stands on it`
  }
}

/**
 * Refuses refs whose short name is a tag of upstream: by what the remote says now, and by what was fetched from it.
 *
 * `PublishedRefIsUpstreamTag`, `RemoteUnreachable`, `GitError`.
 */
export const refuseUpstreamNames = Effect.fn("Publish.refuseUpstreamNames")(function* (options: {
  readonly repository: Repository
  readonly upstreamRemote: RemoteName | null
  readonly refs: ReadonlyArray<RefName>
  readonly timeoutMillis?: number
}) {
  const { refs, repository, timeoutMillis, upstreamRemote } = options
  // Notes are no tag, whatever they are called.
  const named = refs.filter((ref) => !ref.startsWith("refs/notes/"))
  if (upstreamRemote === null || named.length === 0) return
  const kept = upstreamTagsRef(upstreamRemote)
  const fetched = yield* readRefs({ repository, patterns: named.map((ref) => `${kept}${shortName(ref)}`) })
  const patterns = named.map((ref) => `refs/tags/${shortName(ref)}`)
  const limited = timeoutMillis === undefined ? {} : { timeoutMillis }
  const tags = yield* listRemoteRefs({ repository, remote: upstreamRemote, patterns, ...limited })
  for (const ref of named) {
    const name = shortName(ref)
    if (tags.has(`refs/tags/${name}`) || fetched.has(`${kept}${name}`)) {
      return yield* new PublishedRefIsUpstreamTag({ ref, upstreamRemote })
    }
  }
})

/**
 * Refuses a commit that is upstream's: one that a branch or tag of upstream holds, or that a proof says is upstream's.
 *
 * `CommitIsUpstreams`, `NoteUnreadable`, `GitError`.
 */
export const refuseUpstreamCommit = Effect.fn("Publish.refuseUpstreamCommit")(function* (options: {
  readonly repository: Repository
  readonly upstreamRemote: RemoteName | null
  readonly ref: RefName
  readonly commit: ObjectId
}) {
  const { commit, ref, repository, upstreamRemote } = options
  const proof = yield* readProof({ repository, commit })
  if (proof?.inputs.onto === commit) return yield* new CommitIsUpstreams({ ref, commitId: commit })
  const upstream =
    upstreamRemote === null ? [] : yield* readUpstreamCommits({ repository, remote: upstreamRemote })
  if (upstream.length === 0) return
  const git = yield* Git
  const output = yield* git.run({
    args: ["rev-list", "--max-count=1", "--stdin"],
    cwd: repository.directory,
    stdin: `${[commit, ...upstream.map((each) => `^${each}`)].join("\n")}\n`
  })
  if (textOf(output.stdout).trim() === "") return yield* new CommitIsUpstreams({ ref, commitId: commit })
})
