/** What a captured patch stands on, and where its feature branch left the line that it was made on. */
import * as Effect from "effect/Effect"
import { candidatePrefix } from "../candidate/Candidate.ts"
import { Git, linesOf, textOf } from "../Git.ts"
import { isObjectId, type ObjectId, shortName } from "../GitName.ts"
import { stackCommitsMax } from "../patch/PatchPlan.ts"
import { readRefs, resolveCommit } from "../Repository.ts"
import { EditRefused } from "./EditRefused.ts"
import type { Stack } from "./Stack.ts"

/** The commit under a captured patch, and the line that features are made on. */
export interface CaptureBase {
  /** What the patch stands on: holds nothing but upstream's commits and those of patches. */
  readonly commit: ObjectId
  /** Values of the line that features leave from, newest first. The first one is its present value. */
  readonly line: ReadonlyArray<ObjectId>
}

/** Earlier values of the maintained branch that are looked at. */
const earlierValuesMax = 100

/**
 * The base that was named, or the maintained branch. A maintained branch that holds a rebuilt stack cannot be stood on: the
 * patch would bring the whole stack. Then the patch stands on the upstream commit below it.
 */
export const findBase = Effect.fnUntraced(function* (stack: Stack, named: string | undefined) {
  const { repository, target, onto } = stack
  if (named !== undefined) {
    const commit = yield* resolveCommit({ repository, revision: named })
    const foreign = yield* countForeign(stack, commit)
    if (foreign > 0) {
      const detail = `${named} holds ${foreign} commits that are neither upstream's nor a patch's, and the patch would bring them; name upstream or a patch branch with --base`
      return yield* new EditRefused({ action: "capture", reason: "carries-others", detail })
    }
    const base: CaptureBase = { commit, line: [commit] }
    return base
  }
  const present = target.commit ?? onto
  const line = [present, ...(yield* readEarlierValues(stack))]
  const isPlain = (yield* countForeign(stack, present)) === 0
  const base: CaptureBase = { commit: isPlain ? present : yield* readBottom(stack, present), line }
  return base
})

/**
 * The newest commit of the line that the feature holds. Earlier values of the maintained branch count as well: a feature that
 * was made on the stack before it was rebuilt would else bring that whole stack.
 */
export const findFork = Effect.fnUntraced(function* (given: {
  readonly stack: Stack
  readonly from: ObjectId
  readonly base: CaptureBase
}) {
  const { stack, from, base } = given
  const git = yield* Git
  const output = yield* git.run({
    args: ["merge-base", "--all", "--end-of-options", from, ...base.line],
    cwd: stack.repository.directory,
    okExitCodes: [0, 1]
  })
  const [fork, second] = linesOf(output.stdout).filter(isObjectId)
  if (fork !== undefined && second === undefined) return fork
  const detail =
    fork === undefined
      ? `${from} shares no history with what it is to be captured on (${base.line[0]}); name its base with --base`
      : `${from} was merged with its base crosswise, so that there is more than one point where it left (${fork}, ${second}); rebase it, or name its base with --base`
  return yield* new EditRefused({ action: "capture", reason: "no-merge-base", detail })
})

// --- internal ---

/** Commits that are neither upstream's nor a patch's. */
const countForeign = ({ repository, upstream, patches }: Stack, commit: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const below = [...upstream, ...patches.map(({ tip }) => tip)].map((known) => `^${known}`)
    const output = yield* git.run({
      args: ["rev-list", "--count", "--stdin"],
      cwd: repository.directory,
      stdin: `${[commit, ...below].join("\n")}\n`
    })
    return Number(textOf(output.stdout).trim())
  })

/** The upstream commit that the line of the maintained branch stands on. */
const readBottom = ({ repository, upstream, target }: Stack, commit: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: ["rev-list", "--first-parent", "--parents", `--max-count=${stackCommitsMax}`, "--stdin"],
      cwd: repository.directory,
      stdin: `${[commit, ...upstream.map((known) => `^${known}`)].join("\n")}\n`
    })
    const [, bottom] = (linesOf(output.stdout).at(-1) ?? "").split(" ")
    if (bottom !== undefined && isObjectId(bottom)) return bottom
    const detail = `${shortName(target.ref)} does not stand on upstream; name a base with --base`
    return yield* new EditRefused({ action: "capture", reason: "no-merge-base", detail })
  })

/** What the maintained branch was: kept values, candidates, and its reflog. */
const readEarlierValues = ({ repository, target }: Stack) =>
  Effect.gen(function* () {
    const git = yield* Git
    const kept = yield* readRefs({
      repository,
      patterns: [`refs/patchmoi/before/${shortName(target.ref)}/`, `refs/heads/${candidatePrefix}`]
    })
    const reflog =
      target.commit === null
        ? []
        : linesOf(
            (yield* git.run({
              args: ["rev-list", "--walk-reflogs", `--max-count=${earlierValuesMax}`, target.ref, "--"],
              cwd: repository.directory,
              okExitCodes: [0, 128]
            })).stdout
          )
    const values = [...kept.values(), ...reflog].filter(isObjectId)
    return [...new Set(values)].slice(0, earlierValuesMax)
  })
