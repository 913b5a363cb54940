/**
 * The checks of a candidate, as the operator asks for them: first on bare upstream, then on the rebuilt commit.
 *
 * 1. What fails on upstream as well is not the fork's doing. It holds the candidate back all the same.
 * 2. A pass is kept by tree and commands (`@patchmoi/git/check/CheckCache`) and is not asked for again. A failure that is
 *    only known from earlier is looked at anew: its cause may have lain outside the tree.
 * 3. Where the stack alone is red, the patch that makes it so is searched and named.
 */
import {
  type CandidateCheck,
  type CandidateChecks,
  type CandidateChecksOptions,
  runCandidateChecks
} from "@patchmoi/git/check/CandidateChecks"
import type { Check, CheckRun } from "@patchmoi/git/check/Check"
import type { CheckResult } from "@patchmoi/git/check/Checks"
import { readContracts } from "@patchmoi/git/contract/PatchContract"
import type { Rebuilt } from "@patchmoi/git/patch/RebuildResult"
import * as Effect from "effect/Effect"
import type { Fork } from "./Fork.ts"
import type { MaintainConfig } from "./MaintainConfig.ts"
import type { Progress } from "./Progress.ts"

/** Bytes of output that are kept of each check: the last 8 KiB. The result of a step is bounded as a whole. */
export const checkOutputBytesMax = 8 * 1024

/** How one check went on the candidate. */
export interface ForkCheck extends CheckResult, Pick<CandidateCheck, "verdict" | "flaky" | "blame"> {
  /** True when nothing ran: it had passed at this tree before. */
  readonly cached: boolean
  /** How it ended on bare upstream; `null` when it was not run there. */
  readonly upstream: CheckResult["outcome"] | null
}

/** How the checks went. */
export interface ForkChecks {
  /** True when every check passed, or there is none. */
  readonly passed: boolean
  /** Every check that was asked, in order. */
  readonly results: ReadonlyArray<ForkCheck>
  /** True when there are checks and all of them had passed at this tree before: nothing ran. */
  readonly passedBefore: boolean
  /** The first check that holds the candidate back: one that fails on the fork alone, else one that upstream fails too. */
  readonly failing: ForkCheck | null
  /** All that was found, for the proof of the candidate; absent without checks. */
  readonly told?: CandidateChecks
}

/**
 * Runs the operator's checks, and the fork's own and those of its patches where the operator says so.
 *
 * `TooManyChecks`, `ToolchainUnknown`, `CheckNotStarted`, `RevisionNotFound`, `GitError`.
 */
export const checkCandidate = Effect.fn("ForkChecks.run")(function* (
  fork: Fork,
  config: MaintainConfig,
  rebuilt: Rebuilt,
  progress: Progress
) {
  const { own, repository } = fork
  const checks = yield* checksOf(fork, config, rebuilt)
  const none: ForkChecks = { passed: true, results: [], passedBefore: false, failing: null }
  if (checks.length === 0) return none
  yield* progress(`checks: ${checks.length} at the tree ${rebuilt.tree}`)
  const ask = (reuse: boolean) =>
    runCandidateChecks({
      repository,
      upstream: rebuilt.onto,
      applied: rebuilt.applied.flatMap(({ commits, patch }) => {
        const tip = commits.at(-1)?.to
        return tip === undefined ? [] : [{ patch, tip }]
      }),
      tip: rebuilt.tip,
      checks,
      options: {
        timeoutMillis: config.check_timeout_ms ?? own.checks.timeoutMillis,
        outputBytesMax: checkOutputBytesMax,
        control: config.control_run,
        search: config.find_bad_patch,
        reuse,
        ...(config.toolchain === undefined ? {} : { toolchain: config.toolchain }),
        onRun: tellRun(progress, rebuilt)
      }
    } satisfies CandidateChecksOptions)
  const known = yield* ask(true)
  const found = isOldNews(known) ? yield* ask(false) : known
  const results = found.checks.flatMap(resultOf)
  const failing = ["failed", "failed-upstream-too"].flatMap(
    (verdict) => results.find((result) => result.verdict === verdict) ?? []
  )[0]
  const outcome: ForkChecks = {
    passed: found.verdict === "passed",
    results,
    passedBefore: results.every((result) => result.verdict === "passed" && result.cached),
    failing: failing ?? null,
    told: found
  }
  return outcome
})

/** One check in words: what it was and how it ended. */
export const describeCheck = ({ command, durationMillis, exitCode, outcome }: CheckResult): string => {
  const seconds = `${(durationMillis / 1000).toFixed(1)} s`
  return outcome === "passed"
    ? `"${command}" passed in ${seconds}`
    : outcome === "timeout"
      ? `"${command}" was over its time after ${seconds}`
      : `"${command}" failed with exit code ${exitCode} after ${seconds}`
}

/** Whose doing a failure is, in words: upstream's, a patch's, or nobody's that can be told. */
export const describeBlame = ({ blame, verdict }: ForkCheck): string | null => {
  if (verdict === "failed-upstream-too") return "bare upstream fails it as well, so no patch is to blame"
  if (blame === null) return null
  if (blame._tag === "BadPatch") {
    return `${blame.patch} is the first patch that makes it fail: it passes at ${blame.before}`
  }
  return blame._tag === "Flaky" ? `it gave two answers at ${blame.at}, so no patch is blamed` : null
}

// --- internal ---

/** Content of the fork is run only on the operator's word. */
const checksOf = (fork: Fork, config: MaintainConfig, { applied }: Rebuilt) =>
  Effect.gen(function* () {
    const { own, repository } = fork
    const asked = config.checks.map((command): Check => ({ command, kind: "worktree" }))
    const reading = config.tree_checks.map((command): Check => ({ command, kind: "tree" }))
    if (!config.repository_checks) return [...asked, ...reading]
    const patches = applied.map(({ commits, patch }) => ({
      name: patch,
      commits: commits.map((commit) => commit.to)
    }))
    const contracts = yield* readContracts({ repository, patches })
    const ofPatches = patches.flatMap(({ name }) => contracts.get(name)?.checks ?? [])
    const told = [...new Set([...own.checks.commands, ...ofPatches])]
    const more = told.filter((command) => !config.checks.includes(command))
    return [...asked, ...more.map((command): Check => ({ command, kind: "worktree" })), ...reading]
  })

const tellRun =
  (progress: Progress, { onto, tip }: Rebuilt) =>
  (run: CheckRun): Effect.Effect<void> => {
    const place = run.at === tip ? "" : run.at === onto ? " on bare upstream" : ` at ${run.at.slice(0, 12)}`
    return run.cached
      ? progress(`check "${run.command}" ${run.outcome} there before${place}`)
      : progress(`check ${describeCheck(run)}${place}`)
  }

/** Whether something failed, and nothing that failed was run just now. */
const isOldNews = ({ checks }: CandidateChecks): boolean => {
  const failed = checks.flatMap(({ run }) => (run !== null && run.outcome !== "passed" ? [run] : []))
  return failed.length > 0 && failed.every((run) => run.cached)
}

const resultOf = ({ blame, control, flaky, run, verdict }: CandidateCheck): ReadonlyArray<ForkCheck> => {
  if (run === null) return []
  const { command, outcome, exitCode, output, outputBytesOmitted, durationMillis, cached } = run
  const result = { command, outcome, exitCode, output, outputBytesOmitted, durationMillis }
  return [{ ...result, verdict, flaky, blame, cached, upstream: control?.outcome ?? null }]
}
