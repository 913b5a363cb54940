/**
 * The fork's own checks, run on the rebuilt commit in a temporary work tree.
 *
 * A commit that passed once is not checked again by the same commands: the pass is kept as a ref under
 * `refs/patchmoi/checked/`, which names the commit. Other commands, or another commit, are another question.
 */
import { createHash } from "node:crypto"
import { type CheckResult, runChecks } from "@patchmoi/git/check/Checks"
import { type ObjectId, parseRef } from "@patchmoi/git/GitName"
import { moveRefs } from "@patchmoi/git/RefTransaction"
import { readRef } from "@patchmoi/git/Repository"
import { makeWorktree } from "@patchmoi/git/Worktree"
import * as Effect from "effect/Effect"
import type { Fork } from "./Fork.ts"
import type { MaintainConfig } from "./MaintainConfig.ts"
import type { Progress } from "./Progress.ts"
import type { UpstreamPoint } from "./Upstream.ts"

/** Bytes of output that are kept of each check: the last 8 KiB. The result of a step is bounded as a whole. */
export const checkOutputBytesMax = 8 * 1024

/** How the checks went. */
export interface ForkChecks {
  readonly passed: boolean
  /** Every command that ran, in order; the last one is the one that did not pass, if any. */
  readonly results: ReadonlyArray<CheckResult>
  /** True when this commit had passed these commands before, and nothing ran. */
  readonly passedBefore: boolean
}

/** Runs the operator's checks, and the fork's own where the operator says so. `CheckNotStarted`, `GitError`, `StaleRef`. */
export const checkCandidate = Effect.fn("ForkChecks.run")(function* (
  fork: Fork,
  config: MaintainConfig,
  point: UpstreamPoint,
  tip: ObjectId,
  progress: Progress
) {
  const { own, repository } = fork
  const commands = [...config.checks, ...(config.repository_checks ? own.checks.commands : [])]
  const none: ForkChecks = { passed: true, results: [], passedBefore: false }
  if (commands.length === 0) return none
  const ref = yield* parseRef(passRefOf(commands, point))
  const expected = yield* readRef({ repository, ref })
  if (expected === tip) {
    yield* progress(`checks: ${tip} passed them before`)
    return { ...none, passedBefore: true }
  }
  yield* progress(`checks: ${commands.length} in a temporary work tree of ${tip}`)
  const timeoutMillis = config.check_timeout_ms ?? own.checks.timeoutMillis
  const results = yield* Effect.scoped(
    Effect.flatMap(makeWorktree({ repository, commit: tip }), ({ directory }) =>
      runChecks({ directory, commands, timeoutMillis, outputBytesMax: checkOutputBytesMax })
    )
  )
  for (const result of results) yield* progress(`check ${describeCheck(result)}`)
  const passed = results.every((result) => result.outcome === "passed")
  if (passed) {
    const reason = "patchmoi: checks passed"
    yield* moveRefs({ repository, updates: [{ ref, expected, next: tip }], reason })
  }
  const checks: ForkChecks = { passed, results, passedBefore: false }
  return checks
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

// --- internal ---

/** Flat, so that the tags `v1` and `v1/x` do not need a file and a folder of one name. */
const passRefOf = (commands: ReadonlyArray<string>, point: UpstreamPoint): string => {
  const digest = createHash("sha256")
    .update(JSON.stringify([point.candidate, commands]))
    .digest("hex")
  return `refs/patchmoi/checked/${digest.slice(0, 32)}`
}
