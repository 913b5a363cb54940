/** A stack carried over by `git cherry-pick` in a work tree, patch after patch: what does not apply is skipped. */
import * as Effect from "effect/Effect"
import type { PatchBranch } from "../../packages/git/src/patch/PatchPlan.ts"
import type { Outcome, Outcomes } from "./outcome.ts"
import type { Place } from "./run.ts"

/** Picks the one commit of each patch, in order, onto the release. */
export const carryByCherryPick = Effect.fnUntraced(function* (options: {
  readonly worktree: Place
  readonly onto: string
  readonly patches: ReadonlyArray<PatchBranch>
}) {
  const { worktree } = options
  yield* worktree.git("checkout", "--quiet", "--force", "--detach", options.onto)
  const outcomes = new Map<string, Outcome>()
  const taken: Array<string> = []
  for (const patch of options.patches) {
    const args = ["cherry-pick", "--allow-empty", "--keep-redundant-commits", patch.tip]
    const picked = yield* worktree.attempt({ args })
    if (picked.exitCode === 0) taken.push(patch.name)
    else if (picked.exitCode === 1) outcomes.set(patch.name, yield* skip(worktree, picked.stderr))
    // No answer about the patch: the work tree cannot be used, or the clone lacks an object.
    else return yield* Effect.dieMessage(`cherry-pick failed: ${picked.stderr}`)
  }
  const trees = yield* treesAbove(worktree, options.onto)
  const inOrder: Array<[string, Outcome]> = options.patches.map((patch) => {
    const conflict = outcomes.get(patch.name)
    if (conflict !== undefined) return [patch.name, conflict]
    const at = taken.indexOf(patch.name)
    const [before, tree] = [trees[at], trees[at + 1]]
    return [patch.name, tree === undefined || tree === before ? { _tag: "Empty" } : { _tag: "Picked", tree }]
  })
  return new Map(inOrder) satisfies Outcomes
})

// --- internal ---

/** Notes the paths in conflict and puts the work tree back to the last good pick. */
const skip = Effect.fnUntraced(function* (worktree: Place, stderr: string) {
  const stopped = yield* worktree.attempt({ args: ["rev-parse", "--verify", "--quiet", "CHERRY_PICK_HEAD"] })
  if (stopped.exitCode !== 0) return yield* Effect.dieMessage(`cherry-pick failed: ${stderr}`)
  const paths = yield* worktree.fields("diff", "--name-only", "--diff-filter=U", "-z")
  yield* worktree.git("cherry-pick", "--skip")
  const conflict: Outcome = { _tag: "Conflict", paths: [...new Set(paths)] }
  return conflict
})

/** The tree of the release and of each commit above it, oldest first. */
const treesAbove = Effect.fnUntraced(function* (worktree: Place, onto: string) {
  const start = yield* worktree.git("rev-parse", `${onto}^{tree}`)
  const listed = yield* worktree.git("log", "--reverse", "--first-parent", "--format=%T", `${onto}..HEAD`)
  return [start, ...listed.split("\n").filter((tree) => tree !== "")]
})
