/**
 * `patchmoi patch publish`: one atomic push of a candidate, by the leave of whoever calls.
 *
 * What is pushed where is said on the command line and by the gates. The repository's `.patchmoi.toml` can forbid it, and
 * chooses neither the remote nor whose names are taken. What rests on stored resolutions wants an approval of its plan: `--yes`, which a
 * script can say as well, is not enough for it.
 */
import {
  CandidateNotes,
  type CandidateProof,
  GitName,
  PublishCandidate,
  PublishPlan,
  type PublishPolicy
} from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { UsageError } from "../UsageError.ts"
import { variable } from "../variables.ts"
import type { PatchPublishFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Exit code 0 when every ref at the remote is what was planned, or nothing was to be sent. */
export const run: Run<PatchPublishFlags, [string]> = async (session, flags, revision) => {
  const isDry = flags.dryRun === true
  if (!isDry && flags.yes !== true && flags.approve === undefined) {
    throw new UsageError("say --dry-run to see the plan, --approve with its id, or --yes", {
      option: "--yes"
    })
  }
  const { plan, resolved, result } = await inRepository(session, (here) =>
    publish(session, flags, revision, here)
  )
  if (session.json) session.printJson({ ...(result ?? { plan, dryRun: true }), resolved })
  else {
    printPlan(session, plan, resolved)
    if (result === null) session.print(`nothing was sent (dry run); to publish this: --approve ${plan.id}\n`)
    else for (const outcome of result.outcomes) session.print(`${outcomeText(session, outcome)}\n`)
  }
  return result === null || result.published ? exitCodes.good : exitCodes.failed
}

// --- internal ---

const publish = (session: Session, flags: PatchPublishFlags, revision: string, here: Here) =>
  Effect.gen(function* () {
    const { config, repository, topology } = here
    const { restrictions } = config
    const remote = flags.remote ?? "origin"
    const plan = yield* PublishPlan.planPublish({
      repository,
      revision,
      remote,
      upstreamRemote: yield* upstreamOf(flags, here, remote),
      notes: flags.noNotes !== true,
      ...(flags.branch === undefined ? {} : { branch: flags.branch }),
      ...(flags.tag === undefined ? {} : { tag: flags.tag })
    })
    const proof = yield* CandidateNotes.readProof({ repository, commit: plan.commit })
    const resolved = proof?.resolved ?? []
    if (flags.dryRun === true) return { plan, resolved, result: null }
    const policy = policyOf(session, flags, { remote, isResolved: resolved.length > 0 })
    const result = yield* PublishCandidate.applyPublish({
      repository,
      plan,
      policy,
      restrictions,
      maintained: topology.target.ref,
      ...(flags.approve === undefined ? {} : { approved: flags.approve })
    })
    return { plan, resolved, result }
  })

/** Whoever names the maintained branch on the command line means it. */
const policyOf = (
  { caller }: Session,
  flags: PatchPublishFlags,
  { isResolved, remote }: { readonly isResolved: boolean; readonly remote: string }
): PublishPolicy.PublishPolicy => {
  const isOpen = (gate: "CODEX_FLOW_PUBLISH" | "CODEX_FLOW_FORCE") =>
    ["1", "true", "yes", "on"].includes((variable(caller.env, gate) ?? "").trim().toLowerCase())
  return {
    publish: isOpen("CODEX_FLOW_PUBLISH"),
    remotes: [remote],
    moveTarget: flags.branch !== undefined,
    force: isOpen("CODEX_FLOW_FORCE"),
    approval: flags.approve === undefined && !isResolved ? "none" : "required"
  }
}

/** By convention or by the command line, never by the repository's file: it could name a remote without any tag. */
const upstreamOf = (flags: PatchPublishFlags, { topology }: Here, remote: string) => {
  if (flags.upstream !== undefined) return Effect.succeed(flags.upstream)
  const others = topology.remotes.map(({ name }) => name).filter((name) => name !== remote)
  if (others.includes("upstream")) return Effect.succeed("upstream")
  if (others.length <= 1) return Effect.succeed(others[0] ?? null)
  const problem = `there are several remotes beside ${remote}: say with --upstream whose tags are upstream's`
  return Effect.fail(new UsageError(problem, { option: "--upstream", remotes: others }))
}

const printPlan = (
  session: Session,
  plan: PublishPlan.PublishPlan,
  resolved: CandidateProof.CandidateProof["resolved"]
): void => {
  session.print(`plan: ${plan.id}\n`)
  session.print(`remote: ${plan.remote} ${plan.url}\n`)
  for (const { action, expected, kind, next, overwrites, ref } of plan.refs) {
    const from = expected === null || action === "keep" ? "" : `${shortId(expected)} -> `
    const lost = overwrites ? " (not a fast-forward)" : ""
    session.print(`${action} ${kind} ${GitName.shortName(ref)}: ${from}${shortId(next)}${lost}\n`)
  }
  for (const { patch, path, resolution } of resolved) {
    session.print(
      `${session.styles.yellow("resolved")} ${patch}: ${oneLine(path)} by the stored resolution ${resolution.slice(0, 12)}\n`
    )
  }
}

const outcomeText = (session: Session, outcome: PublishCandidate.PublishOutcome): string => {
  const { green, red, yellow } = session.styles
  const name = GitName.shortName(outcome.ref)
  switch (outcome._tag) {
    case "Pushed":
      return `${green("pushed")} ${name}`
    case "UpToDate":
      return `${green("up to date")} ${name}`
    case "Stale": {
      const at = outcome.actual === null ? "absent" : `at ${shortId(outcome.actual)}`
      return `${red("stale")} ${name}: it is ${at} by now; look at it, and plan again`
    }
    case "Withheld":
      return `${yellow("withheld")} ${name}: another ref of the push was refused`
    case "Declined":
      return `${red("declined")} ${name}: ${oneLine(outcome.message)}`
    case "Unreachable":
      return `${red("unreachable")} ${name}: ${oneLine(outcome.message)}; plan again to see whether it moved`
    case "AtomicUnsupported":
      return `${red("not sent")} ${name}: the server has no atomic pushes`
  }
}
