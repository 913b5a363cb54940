/** Where a stack leaves upstream, for stacks of which nobody says what they stand on. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, linesOf } from "../Git.ts"
import { isObjectId, ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { readUpstreamCommits } from "../UpstreamRefs.ts"

/** Commits of a stack that are walked to find its base. */
const commitsMax = 10_000

/** It is not known where the stack leaves upstream. Nothing was compared. */
export class StackBaseUnknown extends Schema.TaggedError<StackBaseUnknown>("git/StackBaseUnknown")(
  "StackBaseUnknown",
  { tip: ObjectId }
) {
  override get message(): string {
    return `Nothing that is known of upstream is below ${this.tip}; fetch upstream, or name the base of the stack (--onto-old, --onto-new)`
  }
}

/**
 * The first commit below the stack that is upstream's: on a branch or among the tags that were fetched from its remote. A
 * release tag on a side branch is known by its tag. Merges are walked along their first parent.
 *
 * Errors: `StackBaseUnknown`, `InvalidName`, `GitError`.
 */
export const stackBaseOf = Effect.fn("StackBase.of")(function* (options: {
  readonly repository: Repository
  readonly tip: ObjectId
  readonly topology: Pick<Topology, "upstream" | "upstreamRemote">
}) {
  const { repository, tip, topology } = options
  const git = yield* Git
  const remote = topology.upstreamRemote
  const fetched = remote === null ? [] : yield* readUpstreamCommits({ repository, remote })
  const upstream = topology.upstream.commit === null ? fetched : [...fetched, topology.upstream.commit]
  const output = yield* git.run({
    args: ["rev-list", "--first-parent", "--parents", `--max-count=${commitsMax + 1}`, "--stdin"],
    cwd: repository.directory,
    stdin: `${[tip, ...upstream.map((commit) => `^${commit}`)].join("\n")}\n`
  })
  const lines = linesOf(output.stdout)
  if (lines.length === 0) return tip
  const base = lines.at(-1)?.split(" ")[1]
  if (lines.length > commitsMax || base === undefined || !isObjectId(base)) {
    return yield* new StackBaseUnknown({ tip })
  }
  return base
})
