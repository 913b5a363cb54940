/** `patchmoi patch check`: the checks of a candidate, beside bare upstream, and the patch that breaks them. */
import { CandidateChecks, CandidateStack, type Check, Toolchain, UpstreamRefs } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { Interrupted } from "../failure.ts"
import { awaitAbort } from "../interruption.ts"
import { makeProgress } from "../progress.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { UsageError } from "../UsageError.ts"
import type { PatchCheckFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Exit code 0 when all passed, 1 when the candidate is red, 10 when upstream is red as well. */
export const run: Run<PatchCheckFlags, [string?]> = async (session, flags, revision) => {
  const signal = session.caller.interruption()
  const stopped = Effect.zipRight(
    awaitAbort(signal),
    Effect.fail(new Interrupted("The checks were interrupted; answers that were found are kept"))
  )
  const { checked, stack } = await inRepository(session, (here) =>
    Effect.raceFirst(checkStack(session, flags, revision ?? "HEAD", here), stopped)
  )
  if (session.json) session.printJson({ ...checked, stack: stack.source, patches: stack.applied })
  else printChecks(session, checked)
  return checked.verdict === "passed"
    ? exitCodes.good
    : checked.verdict === "failed"
      ? exitCodes.failed
      : exitCodes.needsAttention
}

// --- internal ---

const checkStack = (session: Session, flags: PatchCheckFlags, revision: string, here: Here) =>
  Effect.gen(function* () {
    const { config, repository, topology } = here
    const checks = checksOf(flags, config.checks.commands)
    if (checks.length === 0) {
      const problem = "there are no checks: write [checks] commands into .patchmoi.toml, or use --run"
      return yield* Effect.fail(new UsageError(problem, { option: "--run" }))
    }
    const known =
      topology.upstreamRemote === null
        ? []
        : yield* UpstreamRefs.readUpstreamCommits({ repository, remote: topology.upstreamRemote })
    const upstream = [...(topology.upstream.commit === null ? [] : [topology.upstream.commit]), ...known]
    const stack = yield* CandidateStack.readStack({ repository, revision, upstream })
    const progress = makeProgress(session)
    progress.status(`running ${checks.length} checks on ${shortId(stack.upstream)} and ${shortId(stack.tip)}`)
    const checked = yield* CandidateChecks.runCandidateChecks({
      repository,
      ...stack,
      checks,
      options: {
        timeoutMillis: config.checks.timeoutMillis,
        toolchain: {
          ...Toolchain.noToolchainParts,
          commands: flags.toolchain ?? [],
          environment: flags.env ?? []
        },
        reuse: flags.noCache !== true,
        control: flags.noControl !== true,
        search: flags.noSearch !== true,
        onRun: (run) => Effect.sync(() => progress.happened(`${shortId(run.at)} ${sentenceOf(run)}`))
      }
    }).pipe(Effect.ensuring(Effect.sync(progress.clear)))
    return { checked, stack }
  })

/** What is said on the command line counts instead of the file. */
const checksOf = (flags: PatchCheckFlags, configured: ReadonlyArray<string>): ReadonlyArray<Check.Check> => {
  const ofKind = (kind: Check.CheckKind) => (command: string) => ({ command, kind })
  const { run = [], tree = [] } = flags
  const said = [...tree.map(ofKind("tree")), ...run.map(ofKind("worktree"))]
  return said.length > 0 ? said : configured.map(ofKind("worktree"))
}

const sentenceOf = ({ cached, command, durationMillis, exitCode, outcome }: Check.CheckRun): string => {
  const how = outcome === "failed" ? `failed with exit code ${exitCode}` : outcome
  return `"${command}" ${how}${cached ? " (known)" : ` in ${(durationMillis / 1000).toFixed(1)} s`}`
}

const printChecks = (session: Session, checked: CandidateChecks.CandidateChecks): void => {
  const { green, red, yellow, dim } = session.styles
  session.print(`upstream: ${shortId(checked.upstream)}\n`)
  session.print(`candidate: ${shortId(checked.tip)}\n`)
  for (const { blame, command, flaky, run, verdict } of checked.checks) {
    const style = verdict === "passed" ? green : verdict === "failed" ? red : yellow
    session.print(`${style(verdict)} ${oneLine(command)}${flaky ? yellow(" (flaky)") : ""}\n`)
    if (verdict === "failed" && run !== null && blame?._tag !== "BadPatch") printOutput(session, run.output)
    if (blame?._tag === "BadPatch") {
      session.print(`  ${red("broken by")} ${oneLine(blame.patch)}, at ${shortId(blame.at)}:\n`)
      if (blame.run.command !== command) session.print(`  ${dim(oneLine(blame.run.command))}\n`)
      printOutput(session, blame.run.output)
    }
    if (blame?._tag === "Flaky") {
      session.print(`  it gave two answers at ${shortId(blame.at)}; no patch is blamed\n`)
    }
    if (blame?._tag === "NotSearched" && blame.reason === "timeout") {
      session.print("  it was over its time; no patch is blamed\n")
    }
  }
}

/** The end of what a check printed, indented. */
const printOutput = (session: Session, output: string): void => {
  const lines = output.trimEnd().split("\n").slice(-outputLinesMax)
  for (const line of lines) session.print(`    ${oneLine(line)}\n`)
}

/** Lines of a check's output that are shown; `--json` has more. */
const outputLinesMax = 20
