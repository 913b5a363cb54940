/**
 * What publishing a candidate would do, as data: each ref at the remote with what it is and what it is to be.
 *
 * 1. Planning sends nothing. It reads the remote, and fetches what would be overwritten, so that it can be kept.
 * 2. The plan's id is the digest of all of it: whoever approves the id approves exactly these refs at these values.
 * 3. A release tag is new, is not one of upstream's by name, and does not name a commit that is upstream's own.
 * 4. What a branch loses stays at the remote under `patchmoi/before/<branch>/<id>`, a tag.
 */
import { createHash } from "node:crypto"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, redactUrls, textOf } from "../Git.ts"
import { ObjectId, parseBranch, parseRemote, parseTag, shortName } from "../GitName.ts"
import { listRemoteRefs } from "../Remote.ts"
import { type Repository, readRef, resolveCommit } from "../Repository.ts"
import { notesRef } from "./CandidateNotes.ts"
import { PlannedRef, recoveryPrefix } from "./PlannedRef.ts"
import { planBranch } from "./planBranch.ts"
import { planNotes } from "./planNotes.ts"
import { planTag } from "./planTag.ts"
import { refuseUpstreamNames } from "./upstreamNames.ts"

/** Made by `planPublish`, carried out by `applyPublish`, which refuses a changed one. It may wait for approval as JSON. */
export const PublishPlan = Schema.Struct({
  version: Schema.Literal(1),
  /** SHA-256 of everything else, in hex. */
  id: Schema.String,
  /** Name of the remote that is pushed to. */
  remote: Schema.String,
  /** Where pushes to the remote go, without credentials. */
  url: Schema.String,
  /** The remote whose names are taken; `null` for a repository without upstream. */
  upstreamRemote: Schema.NullOr(Schema.String),
  /** What is published. */
  commit: ObjectId,
  /** Every ref that the push names, also those that stay as they are. */
  refs: Schema.Array(PlannedRef)
})
export type PublishPlan = typeof PublishPlan.Type

/** Neither a branch nor a tag was named, and the revision is no branch below `candidate/`. Nothing was sent. */
export class NothingToPublish extends Schema.TaggedError<NothingToPublish>("git/NothingToPublish")(
  "NothingToPublish",
  { revision: Schema.String }
) {
  override get message(): string {
    return `${this.revision} is not a candidate branch; name the branch or the tag to publish it as`
  }
}

/** The remote has another address than the plan was made for. Nothing was sent. */
export class RemoteElsewhere extends Schema.TaggedError<RemoteElsewhere>("git/RemoteElsewhere")(
  "RemoteElsewhere",
  { remote: Schema.String, planned: Schema.String, found: Schema.String }
) {
  override get message(): string {
    return `Pushes to ${this.remote} go to ${this.found} now, and the plan is for ${this.planned}; plan again`
  }
}

/** What is to be published, and under which names. Where neither a branch nor a tag follows from it: `NothingToPublish`. */
export interface PublishPlanOptions {
  readonly repository: Repository
  /** What is published: a candidate branch, or any commit. */
  readonly revision: string
  /** Name of the remote that is pushed to. */
  readonly remote: string
  /** The remote whose tag names and commits are upstream's. `null` only for a repository without upstream. */
  readonly upstreamRemote: string | null
  /** The branch at the remote, short. (Default: the candidate's own name; none for another revision.) */
  readonly branch?: string
  /** The release tag at the remote, short. (Default: none.) */
  readonly tag?: string
  /** Whether the candidate's note goes with it. (Default: true.) */
  readonly notes?: boolean
  /** Time of each talk with a remote. (Default: 10 minutes.) */
  readonly timeoutMillis?: number
}

/**
 * Makes the plan. Nothing is sent.
 *
 * `InvalidName`, `RevisionNotFound`, `NothingToPublish`, `RemoteUnreachable`, `PublishedRefIsUpstreamTag`, `CommitIsUpstreams`,
 * `TagTaken`, `TagElsewhere`, `NoteUnreadable`, `QuarantineError`, `GitError`.
 */
export const planPublish = Effect.fn("PublishPlan.make")(function* (options: PublishPlanOptions) {
  const { repository, revision } = options
  const remote = yield* parseRemote(options.remote)
  const upstreamRemote = options.upstreamRemote === null ? null : yield* parseRemote(options.upstreamRemote)
  const commit = yield* resolveCommit({ repository, revision })
  const branch = yield* branchOf(options)
  const tag = options.tag === undefined ? null : yield* parseTag(options.tag)
  if (branch === null && tag === null) return yield* new NothingToPublish({ revision })
  const timeoutMillis = options.timeoutMillis
  const limited = timeoutMillis === undefined ? {} : { timeoutMillis }
  const named = [branch, tag].filter((ref) => ref !== null)
  yield* refuseUpstreamNames({ repository, upstreamRemote, refs: named, ...limited })
  const patterns = [
    ...(branch === null ? [] : [branch, `refs/tags/${recoveryPrefix}${shortName(branch)}/*`]),
    ...(tag === null ? [] : [tag, `${tag}^{}`]),
    ...(options.notes === false ? [] : [notesRef])
  ]
  const there = yield* listRemoteRefs({ repository, remote, patterns, ...limited })
  const given = { repository, remote, there, commit, ...limited }
  const refs: ReadonlyArray<PlannedRef> = [
    ...(branch === null ? [] : yield* planBranch({ ...given, ref: branch })),
    ...(tag === null ? [] : [yield* planTag({ ...given, ref: tag, upstreamRemote })]),
    ...(options.notes === false ? [] : yield* planNotes(given))
  ]
  const plan = {
    version: 1,
    remote,
    url: yield* pushUrlOf(repository, remote),
    upstreamRemote,
    commit,
    refs
  } as const
  const made: PublishPlan = { ...plan, id: planIdOf(plan) }
  return made
})

/** Where pushes to a remote go, without credentials. */
export const pushUrlOf = (repository: Repository, remote: string) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["remote", "get-url", "--push", "--", remote]
    return redactUrls(textOf((yield* git.run({ args, cwd: repository.directory })).stdout).trim())
  })

/** The id that a plan should have. */
export const planIdOf = ({
  commit,
  refs,
  remote,
  upstreamRemote,
  url,
  version
}: Omit<PublishPlan, "id">): string => {
  const each = refs.map((ref) => [
    ref.ref,
    ref.kind,
    ref.expected,
    ref.next,
    ref.action,
    ref.overwrites,
    ref.foreign
  ])
  return createHash("sha256")
    .update(JSON.stringify([version, remote, url, upstreamRemote, commit, each]))
    .digest("hex")
}

// --- internal ---

const branchOf = ({ branch, repository, revision, tag }: PublishPlanOptions) =>
  Effect.gen(function* () {
    if (branch !== undefined) return yield* parseBranch(branch)
    const short = revision.replace(/^refs\/heads\//, "")
    if (!short.startsWith("candidate/")) return null
    const ref = yield* parseBranch(short)
    const found = yield* readRef({ repository, ref })
    return found === null && tag !== undefined ? null : ref
  })
