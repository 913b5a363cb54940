/** Planning a release tag at a remote. A tag that was published never moves. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { ObjectId, type RefName, type RemoteName, shortName } from "../GitName.ts"
import { type Repository, readRef, resolveCommit } from "../Repository.ts"
import { fetchMissing } from "./fetchMissing.ts"
import type { PlannedRef } from "./PlannedRef.ts"
import { refuseUpstreamCommit } from "./upstreamNames.ts"

/** The remote has the tag, and it names something else. Nothing was sent. */
export class TagTaken extends Schema.TaggedError<TagTaken>("git/TagTaken")("TagTaken", {
  tag: Schema.String,
  found: ObjectId
}) {
  override get message(): string {
    return `The remote has the tag ${this.tag} at ${this.found}, and a published tag never moves; choose another name`
  }
}

/** The tag of this name here names another commit than the one to publish. Nothing was sent. */
export class TagElsewhere extends Schema.TaggedError<TagElsewhere>("git/TagElsewhere")("TagElsewhere", {
  tag: Schema.String,
  found: ObjectId,
  wanted: ObjectId
}) {
  override get message(): string {
    return `The tag ${this.tag} here names ${this.found}, and ${this.wanted} is to be published; delete it here or choose another name`
  }
}

/**
 * The tag as it is to be: the local tag of that name, annotated or signed, where there is one that names the commit; else a
 * tag that is the commit's id. `TagTaken`, `TagElsewhere`, `CommitIsUpstreams`, `NoteUnreadable`, `RemoteUnreachable`,
 * `GitError`.
 */
export const planTag = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly remote: RemoteName
  readonly timeoutMillis?: number
  readonly there: ReadonlyMap<string, ObjectId>
  readonly commit: ObjectId
  readonly ref: RefName
  readonly upstreamRemote: RemoteName | null
}) {
  const { commit, ref, repository, there, upstreamRemote } = given
  const tag = shortName(ref)
  yield* refuseUpstreamCommit({ repository, upstreamRemote, ref, commit })
  const local = yield* readRef({ repository, ref })
  const peeled = local === null ? commit : yield* resolveCommit({ repository, revision: ref })
  if (peeled !== commit) return yield* new TagElsewhere({ tag, found: peeled, wanted: commit })
  const found = there.get(ref) ?? null
  const next = local ?? commit
  const unmoved = { ref, kind: "tag", overwrites: false, foreign: false } as const
  if (found === null) {
    return { ...unmoved, expected: null, next, action: "create" } satisfies PlannedRef as PlannedRef
  }
  // An annotated tag that was published from elsewhere, of the same commit, is the same release.
  if (found !== next && there.get(`${ref}^{}`) !== commit) return yield* new TagTaken({ tag, found })
  yield* fetchMissing({ ...given, object: found })
  return { ...unmoved, expected: found, next: found, action: "keep" } satisfies PlannedRef as PlannedRef
})
