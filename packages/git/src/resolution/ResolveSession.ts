/**
 * Resolving the conflicts of a rebuild one after the other, by hand or by an agent.
 *
 * 1. `startResolve` rebuilds; at the first conflict it opens a work tree with what git left, and ends.
 * 2. `continueResolve` takes the answers out of it, stores them as resolutions, and goes on with the rebuild, which uses them.
 *    It ends with the rebuilt stack or opens the next conflict.
 * 3. `abortResolve` removes the work tree and the state, whatever they look like. What was stored stays.
 *
 * Every step can be done again after a crash: answers that were stored are found again, a work tree that is missing or was
 * not complete is made anew.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { candidatePrefix } from "../candidate/Candidate.ts"
import { makeProof } from "../candidate/CandidateProof.ts"
import { ConflictId, conflictIdOf } from "../conflict/ConflictRecord.ts"
import { type ObjectId, shortName } from "../GitName.ts"
import type { LandedVerdict } from "../landed/LandedVerdict.ts"
import type { Conflict } from "../patch/Conflict.ts"
import type { PatchBranch } from "../patch/PatchPlan.ts"
import { rebuild } from "../patch/Rebuild.ts"
import type { Rebuilt } from "../patch/RebuildResult.ts"
import { checkTarget, moveTarget } from "../RebuildTarget.ts"
import { type Repository, resolveCommit } from "../Repository.ts"
import { prepareConflict, unanswerable } from "./ConflictOpening.ts"
import {
  contextOf,
  Resolution,
  type ResolutionAuthor,
  type ResolutionHow,
  type ResolutionPolicy
} from "./Resolution.ts"
import { type NewResolution, storeResolutions } from "./ResolutionStore.ts"
import { type Answer, readAnswers } from "./ResolveAnswers.ts"
import { ResolutionNotTaken, type ResolveOutcome } from "./ResolveOutcome.ts"
import { makeResolver } from "./Resolver.ts"
import {
  createState,
  fileWork,
  NoResolve,
  ResolveInProgress,
  type ResolveState,
  readState,
  removeState,
  replaceState
} from "./ResolveState.ts"
import { chooseFolder, closeWorktree, listWorktrees, openWorktree, removeHome } from "./ResolveWorktree.ts"

/** Which rebuild is gone through, conflict by conflict. It is written down: `continueResolve` asks for none of it again. */
export interface StartOptions {
  readonly repository: Repository
  /** The upstream commit, tag or ref that the patches go onto. */
  readonly onto: string
  /** The patch branches in the order in which they are applied. */
  readonly patches: ReadonlyArray<PatchBranch>
  /** More upstream commits that bound the patches from below. (Default: none.) */
  readonly upstream?: ReadonlyArray<ObjectId>
  /** Patches that are left out because upstream holds them. (Default: none.) */
  readonly landed?: ReadonlyMap<string, LandedVerdict>
  /** Whether stored resolutions of others are used on the way. (Default: `label`.) */
  readonly reuse?: ResolutionPolicy["reuse"]
  /** The branch to move at the end, and what `RebuildTarget.checkTarget` has to know; `null` to move none. */
  readonly target: ResolveState["target"]
  /** The folder of the work tree: absolute, empty or new. (Default: one inside the git folder.) */
  readonly directory?: string
  /** Only tell what would be done. (Default: false.) */
  readonly dryRun?: boolean
}

/**
 * Rebuilds and opens the first conflict.
 *
 * Errors, after which nothing was done: `ResolveInProgress`, `ConflictUnanswerable`, `ResolveFolderRefused`,
 * `ResolveStateBroken`, those of `Rebuild.rebuild`, `ResolveFileError`.
 */
export const startResolve = Effect.fn("ResolveSession.start")(function* (options: StartOptions) {
  const { repository } = options
  const open = yield* readState(repository)
  if (open !== null) {
    const { directory, patch } = open.conflict
    return yield* new ResolveInProgress({ patch, directory })
  }
  const plan: Plan = {
    version: 1,
    onto: yield* resolveCommit({ repository, revision: options.onto }),
    ontoName: options.onto,
    upstream: options.upstream ?? [],
    patches: options.patches,
    landed: [...(options.landed?.values() ?? [])],
    reuse: options.reuse ?? "label",
    made: [],
    target: options.target,
    directory: options.directory ?? null
  }
  const result = yield* rebuild(stackOf(repository, plan))
  if (result._tag === "Rebuilt") return outcome({ _tag: "NothingToResolve", result })
  const { conflict } = result
  const asked = { repository, id: conflictIdOf(conflict), asked: plan.directory }
  const directory = yield* chooseFolder(asked)
  const refused = unanswerable(conflict)
  if (refused !== null) return yield* refused
  if (options.dryRun === true) return outcome({ _tag: "WouldOpen", conflict, directory })
  const state = yield* prepareState(repository, plan, conflict)
  yield* createState(repository, state)
  return yield* showConflict(repository, state, conflict)
})

/**
 * Takes the answers and goes on.
 *
 * Errors: `NoResolve`, `ResolveUnfinished` (nothing was stored), `ResolutionRefused`, `ResolutionNotTaken`, `StaleRef`, those of
 * `checkTarget` and `Rebuild.rebuild`. After each of them the conflict is still open.
 */
export const continueResolve = Effect.fn("ResolveSession.continue")(function* (options: {
  readonly repository: Repository
  readonly author: ResolutionAuthor
  /** (Default: `hand`.) */
  readonly how?: ResolutionHow
  /** Why, for whoever reviews it. (Default: nothing.) */
  readonly note?: string
  readonly dryRun?: boolean
}) {
  const { repository } = options
  const state = yield* readState(repository)
  if (state === null) return yield* new NoResolve({ directory: repository.directory })
  const { conflict } = state
  const isThere = conflict.phase === "open" && (yield* listWorktrees(repository)).includes(conflict.directory)
  const answers =
    isThere && (yield* exists(conflict.directory)) ? yield* readAnswers({ repository, conflict }) : []
  if (options.dryRun === true) {
    const told = answers.map(({ path, result }) => ({ path, result }))
    return outcome({ _tag: "WouldStore", patch: conflict.patch, answers: told })
  }
  const now = yield* Clock.currentTimeMillis
  const date = Math.floor(now / 1_000)
  const resolutions = answers.map((answer) => resolutionOf(state, answer, { ...options, date }))
  const ids = yield* storeResolutions({ repository, resolutions })
  const made = [...new Set([...state.made, ...ids])]
  yield* replaceState(repository, { ...state, made })
  const result = yield* rebuild(stackOf(repository, { ...state, made }))
  if (result._tag === "Rebuilt") return yield* finish(repository, { ...state, made }, result)
  const isSame = conflictIdOf(result.conflict) === conflict.id
  if (isSame && answers.length > 0) {
    const paths = answers.map(({ path }) => path)
    return yield* new ResolutionNotTaken({ patch: conflict.patch, paths })
  }
  const next = yield* prepareState(repository, { ...state, made }, result.conflict, conflict.directory)
  yield* closeWorktree(repository, conflict.directory)
  yield* replaceState(repository, next)
  return yield* showConflict(repository, next, result.conflict)
})

/** What an abort removes. */
export interface Aborted {
  readonly worktrees: ReadonlyArray<string>
  /** Whether there was a state, broken or not. */
  readonly state: boolean
}

/** Removes the work tree and the state. Works with a state that is broken, half made or missing; does nothing twice. */
export const abortResolve = Effect.fn("ResolveSession.abort")(function* (options: {
  readonly repository: Repository
  readonly dryRun?: boolean
}) {
  const { repository } = options
  const state = yield* readState(repository).pipe(
    Effect.map((found) => found !== null),
    Effect.catchTag("ResolveStateBroken", () => Effect.succeed(true))
  )
  const worktrees = yield* listWorktrees(repository)
  const aborted: Aborted = { worktrees, state }
  if (options.dryRun === true) return aborted
  for (const directory of worktrees) yield* closeWorktree(repository, directory)
  yield* removeHome(repository)
  yield* removeState(repository)
  return aborted
})

// --- internal ---

type Plan = Omit<ResolveState, "conflict">

const outcome = (value: ResolveOutcome): ResolveOutcome => value

const exists = (path: string) => fileWork(path, () => Bun.file(`${path}/.git`).exists())

const stackOf = (repository: Repository, plan: Plan) => ({
  repository,
  onto: plan.onto,
  patches: plan.patches,
  upstream: plan.upstream,
  landed: new Map(plan.landed.map((verdict) => [verdict.patch, verdict])),
  resolver: makeResolver({
    repository,
    policy: { reuse: plan.reuse, push: false },
    ...(plan.reuse === "never" ? { only: new Set<string>(plan.made) } : {})
  })
})

/** The state of an opened conflict. `current` is a work tree of this session, which may be replaced. */
const prepareState = (repository: Repository, plan: Plan, conflict: Conflict, current?: string) =>
  Effect.gen(function* () {
    const prepared = yield* prepareConflict(stackOf(repository, plan), conflict)
    const id = ConflictId.make(prepared.id)
    const isCurrent = plan.directory !== null && current !== undefined
    const directory = isCurrent ? current : yield* chooseFolder({ repository, id, asked: plan.directory })
    const kinds = new Map(conflict.files.map(({ kind, path }) => [path, kind]))
    const state: ResolveState = {
      ...plan,
      conflict: {
        id,
        patch: conflict.patch,
        commit: conflict.commit,
        files: prepared.files.map((file) => ({ ...file, kind: kinds.get(file.path) ?? "other" })),
        tip: prepared.tip,
        merged: prepared.merged,
        directory,
        phase: "opening"
      }
    }
    return state
  })

const showConflict = (repository: Repository, state: ResolveState, conflict: Conflict) =>
  Effect.gen(function* () {
    yield* openWorktree(repository, state.conflict)
    yield* replaceState(repository, { ...state, conflict: { ...state.conflict, phase: "open" } })
    const { directory } = state.conflict
    return outcome({ _tag: "Opened", conflict, directory, made: state.made })
  })

const finish = (repository: Repository, state: ResolveState, result: Rebuilt) =>
  Effect.gen(function* () {
    const { made, target } = state
    const moved = target === null ? [] : yield* moveCandidate(repository, state, target, result)
    yield* closeWorktree(repository, state.conflict.directory)
    yield* removeHome(repository)
    yield* removeState(repository)
    return outcome({ _tag: "Finished", result, moved, made })
  })

/** Moves the branch, with the same proof as a rebuild without conflicts writes. */
const moveCandidate = (
  repository: Repository,
  { patches, upstream }: ResolveState,
  target: NonNullable<ResolveState["target"]>,
  result: Rebuilt
) =>
  Effect.gen(function* () {
    const checked = yield* checkTarget({ repository, ...target })
    const name = shortName(target.ref)
    const tag = name.startsWith(candidatePrefix) ? name.slice(candidatePrefix.length) : name
    const proof = yield* makeProof({ repository, patches, upstream, tag, rebuilt: result })
    return yield* moveTarget({ repository, target: checked, commit: result.tip, proof })
  })

const resolutionOf = (
  state: ResolveState,
  answer: Answer,
  given: {
    readonly author: ResolutionAuthor
    readonly how?: ResolutionHow
    readonly note?: string
    readonly date: number
  }
): NewResolution => {
  const { files, patch } = state.conflict
  const file = files.find(({ path }) => path === answer.path)
  const resolution = {
    version: 1 as const,
    path: answer.path,
    patch,
    base: file?.base ?? null,
    ours: file?.ours ?? null,
    theirs: file?.theirs ?? null,
    context: contextOf(files),
    result: answer.result,
    how: given.how ?? "hand",
    author: given.author,
    date: given.date,
    note: given.note ?? "",
    checks: []
  }
  return { resolution: Schema.decodeUnknownSync(Resolution)(resolution), content: answer.content }
}
