/** What each patch costs: how old it is, how much it changes, how often it was rewritten, and how often it was in conflict. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { listConflicts } from "../conflict/ConflictStore.ts"
import { withoutNumber } from "../contract/patchNames.ts"
import { ObjectId } from "../GitName.ts"
import { readObjects } from "../internal/catFile.ts"
import { readLineCounts } from "../internal/lineCounts.ts"
import { parseCommit } from "../internal/objectFormat.ts"
import { readPatchTrees } from "../internal/trees.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { countRewrites } from "./countRewrites.ts"
import { planStack, readStack } from "./Stack.ts"

/** Figures that tell which patch costs most to keep. One whose trees cannot be read has no lines and no files. */
export const PatchCost = Schema.Struct({
  patch: Schema.String,
  tip: ObjectId,
  /** Commits of its own. */
  commits: Schema.Int,
  /** Whole days since the first of its commits was authored; `null` without a commit. */
  ageDays: Schema.NullOr(Schema.Int),
  /** Lines that it adds and removes against what it stands on. Binary files count as none. */
  added: Schema.Int,
  removed: Schema.Int,
  /** Paths that it changes. */
  files: Schema.Int,
  /** Earlier tips that were replaced and not only built upon, as far as reflog and kept refs tell. */
  rewrites: Schema.Int,
  /** Conflicts of this patch that are stored in the repository. */
  conflicts: Schema.Int
})
export type PatchCost = typeof PatchCost.Type

/** What the list can be ordered by. Ties, and `name`, go by the order of the stack. */
export const costOrders = ["name", "age", "churn", "rewrites", "conflicts"] as const
/** One of `costOrders`. All but `name` put the largest first; `churn` is added and removed lines together. */
export type CostOrder = (typeof costOrders)[number]

/** The cost of each patch, the most expensive first. Errors: `UpstreamUnknown`, those of `planPatches`, `GitError`. */
export const readCosts = Effect.fn("PatchCost.read")(function* (options: {
  readonly repository: Repository
  readonly topology: Topology
  /** (Default: `name`.) */
  readonly order?: CostOrder
}) {
  const stack = yield* readStack(options)
  const { repository } = stack
  const planned = yield* planStack(stack)
  const nowMillis = yield* Clock.currentTimeMillis
  const firsts = yield* readFirstAuthored(repository, planned)
  const lines = yield* readLines(repository, planned)
  const rewrites = yield* countRewrites({ stack, planned })
  const { conflicts } = yield* listConflicts({ repository })
  const inConflict = Map.groupBy(conflicts, ({ conflict }) => withoutNumber(conflict.patch))
  const costs = planned.map(({ name, tip, commits }): PatchCost => {
    const first = firsts.get(name) ?? null
    return {
      patch: name,
      tip,
      commits: commits.length,
      ageDays: first === null ? null : Math.max(0, Math.floor((nowMillis - first) / dayMillis)),
      ...(lines.get(name) ?? { added: 0, removed: 0, files: 0 }),
      rewrites: rewrites.get(name) ?? 0,
      conflicts: inConflict.get(withoutNumber(name))?.length ?? 0
    }
  })
  const weigh = weights[options.order ?? "name"]
  return costs.sort((a, b) => weigh(b) - weigh(a))
})

// --- internal ---

const dayMillis = 24 * 60 * 60 * 1000

const weights: Readonly<Record<CostOrder, (cost: PatchCost) => number>> = {
  name: () => 0,
  age: ({ ageDays }) => ageDays ?? -1,
  churn: ({ added, removed }) => added + removed,
  rewrites: ({ rewrites }) => rewrites,
  conflicts: ({ conflicts }) => conflicts
}

/** When the earliest of a patch's commits was authored, in milliseconds since 1970. */
const readFirstAuthored = (repository: Repository, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const names = planned.flatMap(({ commits }) => commits)
    const objects = yield* readObjects({ repository, names })
    const authored = new Map(
      names.map((commit, at) => {
        const parsed = parseCommit(objects[at]?.content ?? Buffer.alloc(0))
        const text = Either.isRight(parsed) ? parsed.right.author.toString("latin1") : ""
        return [commit, /(-?\d+) [+-]\d{4}$/.exec(text)?.[1]] as const
      })
    )
    return new Map(
      planned.flatMap(({ name, commits }) => {
        const seconds = commits.flatMap((commit) => authored.get(commit) ?? []).map(Number)
        return seconds.length === 0 ? [] : [[name, Math.min(...seconds) * 1000] as const]
      })
    )
  })

const readLines = (repository: Repository, planned: ReadonlyArray<PlannedPatch>) =>
  Effect.gen(function* () {
    const readable = yield* readPatchTrees(repository, planned)
    const counts = yield* readLineCounts({ repository, pairs: readable })
    return new Map(
      readable.map(({ name }, at) => {
        const files = counts[at] ?? []
        const sum = (side: "added" | "removed") => files.reduce((total, file) => total + (file[side] ?? 0), 0)
        return [name, { added: sum("added"), removed: sum("removed"), files: files.length }] as const
      })
    )
  })
