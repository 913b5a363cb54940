/**
 * The checks of a candidate: first on bare upstream, then on the stack, and where the stack alone is red, a search for the
 * patch that makes it so.
 *
 * 1. What fails on upstream as well is `failed-upstream-too`, and is never laid at the fork's door.
 * 2. A check that has given two answers at one tree is `flaky`, and blames no patch. Before a patch is blamed, the check has
 *    failed twice with it and passed twice without it.
 * 3. Answers come from the cache where they are known: the same candidate again runs nothing.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isObjectId, ObjectId } from "../GitName.ts"
import { readObjectSizes } from "../internal/catFile.ts"
import { makeTemporaryFolder } from "../internal/temporaryFolder.ts"
import { type Repository, RevisionNotFound } from "../Repository.ts"
import { type Check, CheckKind, CheckRun, checksMax, isPassed } from "./Check.ts"
import { type CheckCache, makeCheckCache } from "./CheckCache.ts"
import { findBadPatch, PatchBlame } from "./findBadPatch.ts"
import { noToolchainParts, readToolchain, type ToolchainParts } from "./Toolchain.ts"
import { type CheckPoint, makeTreeChecks } from "./TreeChecks.ts"

/** Bytes of output that are kept of each check of a candidate unless the caller says otherwise: the last 8 KiB. */
export const candidateOutputBytesMaxDefault = 8 * 1024

/** The end of upstream's output that a result carries, in UTF-16 units. */
export const controlOutputLengthMax = 2_000

/**
 * What checks say about the fork. `failed-upstream-too`: bare upstream does not pass either, so that no patch is to blame.
 * `not-run`: there was nothing to run, or a check before it failed.
 */
export const CheckVerdict = Schema.Literal("passed", "failed", "failed-upstream-too", "not-run")
export type CheckVerdict = typeof CheckVerdict.Type

/** One check of a candidate. */
export const CandidateCheck = Schema.Struct({
  command: Schema.String,
  kind: CheckKind,
  /** `not-run`: a check before it failed. `failed` holds a check that was over its time as well; see `run`. */
  verdict: CheckVerdict,
  /** True when the check has given two answers at one of the trees that were looked at. */
  flaky: Schema.Boolean,
  /** The answer on the candidate; `null` when it was not run there. */
  run: Schema.NullOr(CheckRun),
  /** The answer on bare upstream; `null` when it was not run there. */
  control: Schema.NullOr(CheckRun),
  /** For a `failed` one: the patch that makes it fail, or why none is named. Else `null`. */
  blame: Schema.NullOr(PatchBlame)
})
export type CandidateCheck = typeof CandidateCheck.Type

/** How the checks of a candidate went. */
export const CandidateChecks = Schema.Struct({
  /** `failed` if any failed, else `failed-upstream-too` if any did, else `passed`; `not-run` without checks. */
  verdict: CheckVerdict,
  upstream: ObjectId,
  tip: ObjectId,
  tree: ObjectId,
  /** Digest of the toolchain; see `Toolchain`. */
  toolchain: Schema.String,
  checks: Schema.Array(CandidateCheck).pipe(Schema.maxItems(checksMax))
})
export type CandidateChecks = typeof CandidateChecks.Type

/** A patch of the stack, by the commit of the rebuilt stack that it ends with. */
export interface AppliedTip {
  readonly patch: string
  readonly tip: ObjectId
}

/** A stack, and what it is checked by: at its tip, on bare upstream, and, when a check fails, at patches in between. */
export interface CandidateChecksOptions {
  readonly repository: Repository
  /** The bare upstream commit that the stack stands on. */
  readonly upstream: ObjectId
  /** The patches of the stack in order, without those that left no commit. */
  readonly applied: ReadonlyArray<AppliedTip>
  /** The top of the stack. */
  readonly tip: ObjectId
  /** At most `checksMax`. */
  readonly checks: ReadonlyArray<Check>
  readonly options: {
    /** Time of each check, in milliseconds, at least 1. */
    readonly timeoutMillis: number
    /** Bytes of output that are kept of each check: the last ones. (Default: 8 KiB.) */
    readonly outputBytesMax?: number
    /** What besides the tree decides how checks end. (Default: `PATH` and the platform.) */
    readonly toolchain?: ToolchainParts
    /** Whether answers of earlier runs may be used. (Default: true.) */
    readonly reuse?: boolean
    /** Where answers are kept and looked for. (Default: the one of the repository.) */
    readonly cache?: CheckCache
    /** Run on bare upstream first. Without it a red upstream is blamed on the fork. (Default: true.) */
    readonly control?: boolean
    /** Look for the patch that makes a check fail. Never without `control`. (Default: true.) */
    readonly search?: boolean
    /** Told after each answer. */
    readonly onRun?: (run: CheckRun) => Effect.Effect<void>
  }
}

/** More checks than one run takes. Nothing was run. */
export class TooManyChecks extends Schema.TaggedError<TooManyChecks>("git/TooManyChecks")("TooManyChecks", {
  found: Schema.Int
}) {
  override get message(): string {
    return `There are ${this.found} checks, and one run takes ${checksMax}; put several into one command`
  }
}

/**
 * Runs the checks. A red candidate is a result.
 *
 * Errors: `TooManyChecks`, `RevisionNotFound` (a commit is not in the repository), `ToolchainUnknown`, `CheckNotStarted`,
 * `GitError` (a work tree could not be made).
 */
export const runCandidateChecks = Effect.fn("CandidateChecks.run")(function* (given: CandidateChecksOptions) {
  const { applied, checks, repository } = given
  const { options } = given
  if (checks.length > checksMax) return yield* new TooManyChecks({ found: checks.length })
  const points = yield* readPoints(repository, [given.upstream, given.tip, ...applied.map(({ tip }) => tip)])
  const pointOf = (commit: ObjectId): CheckPoint => ({ commit, tree: points.get(commit) ?? commit })
  const toolchain = yield* Effect.scoped(
    Effect.flatMap(makeTemporaryFolder("patchmoi-toolchain-"), (directory) =>
      readToolchain({ parts: options.toolchain ?? noToolchainParts, directory })
    )
  )
  const ask = makeTreeChecks({
    repository,
    checks,
    toolchain,
    cache: options.cache ?? makeCheckCache({ repository }),
    reuse: options.reuse ?? true,
    timeoutMillis: options.timeoutMillis,
    outputBytesMax: options.outputBytesMax ?? candidateOutputBytesMaxDefault,
    onRun: options.onRun ?? (() => Effect.void)
  })
  const count = checks.length
  const withControl = (options.control ?? true) && count > 0
  const control = withControl ? yield* ask({ point: pointOf(given.upstream), count, goOn: () => true }) : []
  const isOwn = (at: number, run: CheckRun): boolean => {
    const upstream = control[at]
    return !isPassed(run) && (upstream === undefined || isPassed(upstream))
  }
  const goOn = (at: number, run: CheckRun) => !isOwn(at, run)
  const own = count === 0 ? [] : yield* ask({ point: pointOf(given.tip), count, goOn })
  const failed = own.findIndex((run, at) => isOwn(at, run))
  const blame =
    failed < 0 || !withControl || options.search === false
      ? null
      : yield* findBadPatch({
          ask,
          isOwn,
          at: failed,
          control: control[failed] ?? null,
          upstream: pointOf(given.upstream),
          steps: applied.map(({ patch, tip }) => ({ patch, point: pointOf(tip) })),
          tip: pointOf(given.tip)
        })
  const told = checks.map(({ command, kind }, at): CandidateCheck => {
    const run = own[at] ?? null
    const upstream = control[at] ?? null
    const verdict =
      run === null ? "not-run" : isPassed(run) ? "passed" : isOwn(at, run) ? "failed" : "failed-upstream-too"
    const blamed = at === failed ? blame : null
    const flaky = run?.flaky === true || upstream?.flaky === true || blamed?._tag === "Flaky"
    return { command, kind, verdict, flaky, run, control: upstream && shortened(upstream), blame: blamed }
  })
  const result: CandidateChecks = {
    verdict: overall(told),
    upstream: given.upstream,
    tip: given.tip,
    tree: pointOf(given.tip).tree,
    toolchain: toolchain.digest,
    checks: told
  }
  return result
})

// --- internal ---

/** The tree of each commit. */
const readPoints = (repository: Repository, commits: ReadonlyArray<ObjectId>) =>
  Effect.gen(function* () {
    const wanted = [...new Set(commits)]
    const names = wanted.map((commit) => `${commit}^{tree}`)
    const found = yield* readObjectSizes({ repository, names })
    const trees = new Map<string, ObjectId>()
    for (const [at, commit] of wanted.entries()) {
      const tree = found[at]?.id ?? ""
      if (!isObjectId(tree)) {
        return yield* new RevisionNotFound({ revision: commit, directory: repository.directory })
      }
      trees.set(commit, tree)
    }
    return trees
  })

const shortened = (run: CheckRun): CheckRun => {
  const cut = run.output.length - controlOutputLengthMax
  return cut <= 0
    ? run
    : {
        ...run,
        output: run.output.slice(cut),
        outputBytesOmitted: run.outputBytesOmitted + Buffer.byteLength(run.output.slice(0, cut))
      }
}

const overall = (checks: ReadonlyArray<CandidateCheck>): CheckVerdict => {
  for (const verdict of ["failed", "failed-upstream-too"] as const) {
    if (checks.some((check) => check.verdict === verdict)) return verdict
  }
  return checks.length === 0 ? "not-run" : "passed"
}
