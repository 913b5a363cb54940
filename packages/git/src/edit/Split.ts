/**
 * Making several patches of one: by paths, or one for each commit.
 *
 * 1. The new patches together give the tree that the old one gave, and the whole stack gives the tree that it gave. Both are
 *    tried by a rebuild, aside, and a split that does not is refused.
 * 2. By commits, nothing is rewritten: each new branch stands on the one before it. By paths, each new patch stands on what
 *    the old one stood on, and keeps author, dates and message of every commit that touches its paths.
 * 3. The old branch is kept under `refs/patchmoi/before/`. All refs move in one transaction.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { parseGlob } from "../contract/PathGlob.ts"
import { arrangeNames } from "../contract/patchNames.ts"
import type { ObjectId } from "../GitName.ts"
import { type EditSpace, makeEditSpace } from "../internal/editSpace.ts"
import type { PatchBranch, PlannedPatch } from "../patch/PatchPlan.ts"
import { moveRefs, type RefChange, refuseCheckedOut } from "../RefTransaction.ts"
import type { Repository } from "../Repository.ts"
import type { Topology } from "../topology/Topology.ts"
import { compareStacks } from "./compareStacks.ts"
import { EditRefused } from "./EditRefused.ts"
import { type PatchRename, refChangesOf } from "./renames.ts"
import {
  changedOwners,
  findPatch,
  inOrder,
  keepCommit,
  patchNameOf,
  planStack,
  readStack,
  refuseClashes,
  type Stack
} from "./Stack.ts"
import { splitByPaths, subjectsOf } from "./splitByPaths.ts"

/** New patches that one split may make. */
export const splitPartsMax = 100

/** One new patch: its name, and the globs of its paths. Without globs it takes what no other part does. */
export interface SplitPart {
  readonly name: string
  readonly globs: ReadonlyArray<string>
}

/** Which patch is split, and how: into 2 to `splitPartsMax` new ones. By paths, one of them may be without globs. */
export interface SplitOptions {
  readonly repository: Repository
  readonly topology: Topology
  /** Its name, with or without the prefix. */
  readonly patch: string
  /** `paths`: a path belongs to the first part with a glob that meets it. `commits`: one patch for each commit. */
  readonly by:
    | { readonly _tag: "paths"; readonly parts: ReadonlyArray<SplitPart> }
    /** One name for each commit. (Default: the patch's name with a number behind it.) */
    | { readonly _tag: "commits"; readonly names?: ReadonlyArray<string> }
  /** Tell what would be done, and move nothing. (Default: false.) */
  readonly dryRun?: boolean
}

/** One patch that was made. */
export interface SplitPatch {
  readonly patch: string
  readonly tip: ObjectId
  readonly subjects: ReadonlyArray<string>
  /** Paths that it changes, at most 1,000; bytes that are no UTF-8 are replaced. Empty for a split by commits. */
  readonly paths: ReadonlyArray<string>
}

/** What a split did, or would do with `dryRun`. */
export interface SplitResult {
  /** The patch that was split, with the prefix. */
  readonly patch: string
  /** What its branch pointed to. */
  readonly tip: ObjectId
  /** The full ref under which the old commits stay. */
  readonly kept: string
  /** In their order in the stack, by names that may have got another number. */
  readonly parts: ReadonlyArray<SplitPatch>
  /** Other patches that get another name, because there was no room between numbers. */
  readonly renames: ReadonlyArray<PatchRename>
  /** Whether the whole stack was tried. False: it does not apply to upstream as it is, so there is nothing to compare with. */
  readonly stackTried: boolean
  /** The refs that were moved, or would be. */
  readonly moved: ReadonlyArray<RefChange>
}

/**
 * Splits the patch.
 *
 * Errors, after each of which nothing has moved: `EditRefused`, `PatchNotFound`, `InvalidName`, `UpstreamUnknown`,
 * `BranchCheckedOut`, `StaleRef`, those of `rebuild`, `QuarantineError`, `GitError`.
 */
export const split = Effect.fn("Split.split")(function* (options: SplitOptions) {
  const stack = yield* readStack(options)
  const { repository } = stack
  const planned = yield* planStack(stack)
  const patch = yield* findPatch(planned, stack.prefix, options.patch)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const space = yield* makeEditSpace(repository)
      const parts = yield* makeParts({ options, stack, space, patch })
      const { after, names, renames } = yield* arrange(stack, patch, parts)
      const moved = [
        ...(yield* refChangesOf({ before: stack.patches, after })),
        yield* keepCommit({ repository, place: "before", patch })
      ]
      yield* refuseClashes({
        action: "split",
        repository,
        created: moved.flatMap(({ ref, expected }) =>
          expected === null && ref.startsWith("refs/heads/") ? [ref] : []
        ),
        changed: moved.flatMap(({ ref, expected }) => (expected === null ? [] : [ref]))
      })
      yield* refuseCheckedOut({ repository, refs: moved.map(({ ref }) => ref) })
      const stackTried = yield* checkSum({ stack, space, planned, patch, after, names })
      if (options.dryRun !== true) {
        yield* space.keep(parts.flatMap(({ created }) => created))
        yield* moveRefs({ repository, updates: moved, reason: `patchmoi: split ${patch.name}` })
      }
      const result: SplitResult = {
        patch: patch.name,
        tip: patch.tip,
        kept: `refs/patchmoi/before/${patch.name}/${patch.tip}`,
        parts: parts.map(({ tip, subjects, paths }, at) => ({
          patch: names[at] ?? "",
          tip,
          subjects,
          paths
        })),
        renames,
        stackTried,
        moved
      }
      return result
    })
  )
})

// --- internal ---

const refuse = (reason: EditRefused["reason"], detail: string) =>
  new EditRefused({ action: "split", reason, detail })

/** A part with its commits: those that were created are not in the repository yet. */
interface MadePart {
  readonly name: string
  readonly tip: ObjectId
  readonly created: ReadonlyArray<ObjectId>
  readonly subjects: ReadonlyArray<string>
  readonly paths: ReadonlyArray<string>
}

const makeParts = (given: {
  readonly options: SplitOptions
  readonly stack: Stack
  readonly space: EditSpace
  readonly patch: PlannedPatch
}) => (given.options.by._tag === "paths" ? partsByPaths(given) : partsByCommits(given))

const partsByCommits = (given: {
  readonly options: SplitOptions
  readonly stack: Stack
  readonly patch: PlannedPatch
}) =>
  Effect.gen(function* () {
    const { options, stack, patch } = given
    const { commits } = patch
    if (commits.length < 2) {
      const detail = `${patch.name} has ${commits.length === 1 ? "one commit" : "no commit"} of its own; split it by paths (--into)`
      return yield* refuse("nothing-to-do", detail)
    }
    const width = String(commits.length).length
    const asked =
      options.by._tag === "commits" && options.by.names !== undefined
        ? options.by.names
        : commits.map((_, at) => `${patch.name}-${String(at + 1).padStart(width, "0")}`)
    const names = yield* checkedNames(stack, asked)
    if (asked.length !== commits.length) {
      const detail = `${patch.name} has ${commits.length} commits, and ${asked.length} names were given`
      return yield* refuse("incomplete", detail)
    }
    const subjects = yield* subjectsOf(stack.repository, commits)
    return commits.map((tip, at): MadePart => {
      const subject = subjects[at] ?? ""
      return { name: names[at] ?? "", tip, created: [], subjects: [subject], paths: [] }
    })
  })

const partsByPaths = (given: {
  readonly options: SplitOptions
  readonly stack: Stack
  readonly space: EditSpace
  readonly patch: PlannedPatch
}) =>
  Effect.gen(function* () {
    const { options, stack, space, patch } = given
    const asked = options.by._tag === "paths" ? options.by.parts : []
    if (asked.length < 2) return yield* refuse("incomplete", "a split needs at least two new patches")
    const typed = asked.map(({ name }) => name)
    const names = yield* checkedNames(stack, typed)
    if (asked.filter(({ globs }) => globs.length === 0).length > 1) {
      return yield* refuse("incomplete", "only one of the new patches can take the rest")
    }
    const parts = yield* Effect.forEach(asked, ({ name, globs }, at) =>
      Effect.gen(function* () {
        const parsed = globs.map(parseGlob)
        const wrong = parsed.find(Either.isLeft)
        if (wrong !== undefined && Either.isLeft(wrong)) {
          return yield* refuse("incomplete", `${name}: expected ${wrong.left}, found ${globs.join(", ")}`)
        }
        return {
          name: names[at] ?? "",
          globs: parsed.flatMap((glob) => (Either.isRight(glob) ? [glob.right] : []))
        }
      })
    )
    return yield* splitByPaths({ space, patch, parts })
  })

/** The names with the prefix, each of them once. */
const checkedNames = (stack: Stack, asked: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    if (asked.length > splitPartsMax)
      return yield* refuse("incomplete", `a split makes at most ${splitPartsMax} patches`)
    const names = yield* Effect.forEach(asked, (name) => patchNameOf(stack.prefix, name))
    const twice = names.find((name, at) => names.indexOf(name) !== at)
    if (twice !== undefined) return yield* refuse("exists", `${twice} is named twice`)
    return names
  })

/** Puts the parts in the place of the old patch, with names that sort so. */
const arrange = (stack: Stack, patch: PatchBranch, parts: ReadonlyArray<MadePart>) =>
  Effect.gen(function* () {
    const others = stack.patches.map(({ name }) => name)
    const taken = parts.find(({ name }) => name !== patch.name && others.includes(name))
    if (taken !== undefined) return yield* refuse("exists", `the branch ${taken.name} exists`)
    const order = inOrder(stack.patches).flatMap(
      (each): ReadonlyArray<PatchBranch & { readonly free: boolean }> =>
        each.name === patch.name
          ? parts.map(({ name, tip }) => ({ name, tip, free: true }))
          : [{ ...each, free: false }]
    )
    const names = arrangeNames(stack.prefix, order)
    const after = order.map(({ tip }, at): PatchBranch => ({ name: names[at] ?? "", tip }))
    const first = order.findIndex(({ free }) => free)
    const renames = order.flatMap(({ name, free }, at) =>
      free || names[at] === name ? [] : [{ from: name, to: names[at] ?? "" }]
    )
    return { after, names: names.slice(first, first + parts.length), renames }
  })

/** Refuses a split whose sum is not what it was. Gives whether the whole stack could be tried. */
const checkSum = (given: {
  readonly stack: Stack
  readonly space: EditSpace
  readonly planned: ReadonlyArray<PlannedPatch>
  readonly patch: PlannedPatch
  readonly after: ReadonlyArray<PatchBranch>
  readonly names: ReadonlyArray<string>
}) =>
  Effect.gen(function* () {
    const { stack, space, planned, patch, after, names } = given
    const inside: Stack = { ...stack, repository: space.repository }
    const owners = changedOwners(
      planned.filter(({ name }) => name !== patch.name),
      yield* space.inside(planStack(inside, after))
    )
    if (owners.length > 0) {
      const detail = `${owners.join(", ")} stands on the commits of ${patch.name}, which would be rewritten; split by commits, or rebase it first`
      return yield* refuse("has-dependents", detail)
    }
    const parts = after.filter(({ name }) => names.includes(name))
    const alone = yield* compareStacks({
      space,
      onto: patch.base,
      upstream: stack.upstream,
      before: [patch],
      after: parts
    })
    const whole = yield* compareStacks({
      space,
      onto: stack.onto,
      upstream: stack.upstream,
      before: inOrder(stack.patches),
      after
    })
    if (alone._tag === "Same" && whole._tag === "Same") return true
    if (alone._tag === "Same" && whole._tag === "BrokenBefore") return false
    const bad = alone._tag === "Same" ? whole : alone
    const where =
      bad._tag === "Different"
        ? `differ in ${bad.paths.join(", ")}${bad.pathsOmitted === 0 ? "" : ` and ${bad.pathsOmitted} more`}`
        : "do not apply one after the other"
    const detail = `the new patches together would not be what ${patch.name} was: they ${where}`
    return yield* refuse("differs", detail)
  })
