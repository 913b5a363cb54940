/**
 * The upstream commits that a stack has not seen yet: those that the new base holds and the commit below a patch does not.
 *
 * Patches that stand on different releases have different ranges. A change that upstream took and took back before the
 * release that a patch stands on is no news for that patch.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, ObjectId } from "../GitName.ts"
import { readObjects } from "../internal/catFile.ts"
import { parseCommit, subjectOf } from "../internal/objectFormat.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"
import { type MessageNames, namesIn } from "./trailers.ts"

/** Upstream commits that are looked through unless the caller says otherwise. A big project makes as many in some years. */
export const rangeCommitsMaxDefault = 20_000

/** Commits whose messages are read at once. */
const messagesAtOnce = 2_000

/** Upstream has made more commits since the patches' base than are looked through. Nothing was looked at. */
export class UpstreamRangeTooLong extends Schema.TaggedError<UpstreamRangeTooLong>(
  "git/UpstreamRangeTooLong"
)("UpstreamRangeTooLong", { base: ObjectId, onto: ObjectId, commitsMax: Schema.Int }) {
  override get message(): string {
    return `There are more than ${this.commitsMax} commits between ${this.base} and ${this.onto}; carry the patches over to a release in between first, or raise the limit`
  }
}

/** The commits of one range, newest first and every commit before its parents. Merges are left out. */
export interface UpstreamRange {
  /** The upstream commit that the patches stand on. */
  readonly root: ObjectId
  /** The upstream commit that they are to go onto. */
  readonly onto: ObjectId
  readonly commits: ReadonlyArray<ObjectId>
}

/** For each patch with commits of its own, by name, the upstream commit that it stands on, through the patches below it. */
export const rootsOf = (planned: ReadonlyArray<PlannedPatch>): ReadonlyMap<string, ObjectId> => {
  const owners = new Map<string, PlannedPatch>()
  for (const patch of planned) for (const commit of patch.commits) owners.set(commit, patch)
  const rootOf = (patch: PlannedPatch): ObjectId => {
    let at = patch
    for (;;) {
      const below = owners.get(at.base)
      if (below === undefined) return at.base
      at = below
    }
  }
  return new Map(
    planned.filter(({ commits }) => commits.length > 0).map((patch) => [patch.name, rootOf(patch)])
  )
}

/** Reads the range above one root. `UpstreamRangeTooLong` when it has more commits than the limit. */
export const readRange = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly root: ObjectId
  readonly onto: ObjectId
  readonly commitsMax: number
}) {
  const { root, onto, commitsMax } = options
  const git = yield* Git
  const output = yield* git.run({
    args: ["rev-list", "--no-merges", "--topo-order", `--max-count=${commitsMax + 1}`, onto, `^${root}`],
    cwd: options.repository.directory
  })
  const commits = linesOf(output.stdout).filter(isObjectId)
  if (commits.length > commitsMax) return yield* new UpstreamRangeTooLong({ base: root, onto, commitsMax })
  const range: UpstreamRange = { root, onto, commits }
  return range
})

/** What a commit says of itself. */
export interface CommitMessage extends MessageNames {
  readonly subject: string
  readonly parents: ReadonlyArray<ObjectId>
}

/** The messages of commits. One that cannot be read is absent. */
export const readMessages = Effect.fnUntraced(function* (
  repository: Repository,
  commits: ReadonlyArray<ObjectId>
) {
  const messages = new Map<ObjectId, CommitMessage>()
  for (let at = 0; at < commits.length; at += messagesAtOnce) {
    const names = commits.slice(at, at + messagesAtOnce)
    const objects = yield* readObjects({ repository, names })
    for (const [place, commit] of names.entries()) {
      const object = objects[place] ?? null
      const parsed = object === null ? Either.left("missing") : parseCommit(object.content)
      if (Either.isLeft(parsed)) continue
      const message = parsed.right.message.toString("utf8")
      const { parents } = parsed.right
      messages.set(commit, { subject: subjectOf(parsed.right), parents, ...namesIn(message) })
    }
  }
  return messages
})
