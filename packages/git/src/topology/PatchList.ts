/** The patch branches as a list for people and scripts: what each one is and how far it stands above upstream. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import { readObjects } from "../internal/catFile.ts"
import { parseCommit, subjectOf } from "../internal/objectFormat.ts"
import { type PatchBranch, planPatches } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"

/** One patch branch. */
export const PatchView = Schema.Struct({
  name: Schema.String,
  sha: ObjectId,
  /** First line of the tip's message. */
  subject: Schema.String,
  /** The commit that the patch's first own commit stands on. */
  base: ObjectId,
  /** Number of commits of its own above upstream and above the patches before it. */
  commits: Schema.Int
})
export type PatchView = typeof PatchView.Type

/**
 * Lists the patches in their order. `upstream` holds the commits that bound them from below.
 *
 * Fails as `planPatches` does: a patch that cannot be carried over cannot be counted either.
 */
export const listPatches = Effect.fn("PatchList.list")(function* (options: {
  readonly repository: Repository
  readonly upstream: ReadonlyArray<ObjectId>
  readonly patches: ReadonlyArray<PatchBranch>
}) {
  const planned = yield* planPatches(options)
  const tips = yield* readObjects({
    repository: options.repository,
    names: planned.map((patch) => patch.tip)
  })
  return planned.map((patch, at): PatchView => {
    const tip = tips[at] ?? null
    const subject =
      tip === null ? "" : Either.match(parseCommit(tip.content), { onLeft: () => "", onRight: subjectOf })
    return { name: patch.name, sha: patch.tip, subject, base: patch.base, commits: patch.commits.length }
  })
})
