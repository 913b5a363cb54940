/** A conflict for the person who resolves it: the whole record, a message, and the commands to run. */
import { storeConflict } from "@patchmoi/git/conflict/ConflictStore"
import type { ObjectId } from "@patchmoi/git/GitName"
import type { Conflict } from "@patchmoi/git/patch/Conflict"
import { planPatches } from "@patchmoi/git/patch/PatchPlan"
import { rebuild } from "@patchmoi/git/patch/Rebuild"
import type { Conflicted } from "@patchmoi/git/patch/RebuildResult"
import * as Effect from "effect/Effect"
import type { FlowResult } from "../step.ts"
import type { Fork } from "./Fork.ts"
import { fitConflict } from "./fitConflict.ts"
import { artifactsOf } from "./Report.ts"
import type { CarriedStack } from "./Stack.ts"
import type { UpstreamPoint } from "./Upstream.ts"

/** Earlier patches that are looked at to find the one that a patch disagrees with. */
const earlierPatchesTried = 20

/** Paths that the message names; the record has them all. */
const pathsNamedMax = 10

/** The fork, the movement, and what was found before the conflict. */
export interface ConflictContext {
  readonly fork: Fork
  readonly point: UpstreamPoint
  readonly upstream: ReadonlyArray<ObjectId>
  readonly stack: CarriedStack
}

/**
 * The result `needs_intervention`. Nothing was written but the record of the conflict, under `refs/patchmoi/conflicts/`, so
 * that it travels with a push of that ref.
 *
 * The commands rebase the patch branch in a work tree of its own, so that the operator's checkout stays as it is.
 */
export const reportConflict = Effect.fn("ConflictReport.report")(function* (
  { fork, point, stack, upstream }: ConflictContext,
  conflicted: Conflicted
) {
  const { conflict } = conflicted
  const { repository } = fork
  const planned = yield* planPatches({
    repository,
    upstream: [conflicted.onto, ...upstream],
    patches: fork.patches
  })
  const base = planned.find((patch) => patch.name === conflict.patch)?.base ?? conflicted.onto
  const newBase = yield* findNewBase(fork, conflicted, upstream)
  const commands = resolvingCommands(fork, conflict, base, newBase)
  const paths = conflict.files.slice(0, pathsNamedMax).map((file) => `${file.path} (${file.kind})`)
  const more = conflict.files.length + conflict.filesOmitted - paths.length
  const where = `${paths.join(", ")}${more > 0 ? ` and ${more} more` : ""}` || conflict.messages.join("; ")
  const stored = yield* storeConflict({ repository, conflict })
  const result: FlowResult = {
    status: "needs_intervention",
    message: `${conflict.patch} does not apply to ${point.name}: commit ${conflict.commit.slice(0, 12)} ("${conflict.subject}") conflicts in ${where}. No branch was changed. To resolve it: ${commands.join(" && ")}; then replay the event. Or leave the branch as it is and keep the resolution: patchmoi patch resolve --cwd ${quote(repository.directory)} --onto ${conflicted.onto}, then patchmoi patch continue in the same way, then replay`,
    artifacts: {
      ...artifactsOf(fork, point, stack),
      conflict: fitConflict(conflict),
      conflictRef: stored.ref,
      remaining: conflicted.remaining,
      resolve: commands,
      candidateRefs: []
    }
  }
  return result
})

// --- internal ---

const resolvingCommands = (fork: Fork, conflict: Conflict, base: ObjectId, newBase: string) => {
  const folder = `../resolve-${conflict.patch.replaceAll(/[^A-Za-z0-9._-]/g, "-")}`
  return [
    `cd ${quote(fork.repository.directory)}`,
    `git worktree add ${folder} ${quote(conflict.patch)}`,
    `cd ${folder}`,
    `git rebase --onto ${quote(newBase)} ${base}`
  ]
}

/**
 * What the patch has to be rebased onto so that a person meets the conflict: upstream's commit when the two alone
 * disagree, else the earlier patch that it disagrees with.
 */
const findNewBase = (
  fork: Fork,
  { applied, conflict, onto }: Conflicted,
  upstream: ReadonlyArray<ObjectId>
) =>
  Effect.gen(function* () {
    const { repository } = fork
    const isOf = (names: ReadonlyArray<string>) => fork.patches.filter((patch) => names.includes(patch.name))
    const earlier = applied.slice(-earlierPatchesTried).reverse()
    for (const other of [null, ...earlier.map((patch) => patch.patch)]) {
      const patches = isOf([...(other === null ? [] : [other]), conflict.patch])
      const tried = yield* rebuild({ repository, onto, patches, upstream })
      if (tried._tag === "Conflicted" && tried.conflict.patch === conflict.patch) return other ?? onto
    }
    return applied.at(-1)?.patch ?? onto
  })

const quote = (text: string): string =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
