/**
 * `patchmoi patch rebuild`: carries the patches over to an upstream commit and moves one branch to the result: a candidate,
 * unless `--to` names another. Which branch may be moved is said in `@patchmoi/git/RebuildTarget`.
 */
import {
  Candidate,
  CandidateProof,
  FindLanded,
  Forecast,
  GitName,
  type LandedVerdict,
  Rebuild,
  type RebuildResult,
  RebuildTarget,
  Resolver
} from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { makeProgress } from "../progress.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { printConflict, printConflictRecord } from "./conflictText.ts"
import type { PatchRebuildFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"
import { stackOf } from "./stack.ts"

/** A conflict is told in full and ends with exit code 10; nothing has moved then, unless the rebuild was to keep going. */
export const run: Run<PatchRebuildFlags> = async (session, flags) => {
  const { result, verdicts, candidate, backup } = await inRepository(session, (here) =>
    rebuild(session, flags, here)
  )
  const isDry = flags.dryRun === true
  if (session.json) session.printJson({ ...result, verdicts, candidate, backup, dryRun: isDry })
  else printResult(session, result, verdicts, isDry ? undefined : { candidate, backup })
  const isWhole = result._tag === "Rebuilt" && result.skipped.length === 0
  return isWhole ? exitCodes.good : exitCodes.needsAttention
}

// --- internal ---

const rebuild = (session: Session, flags: PatchRebuildFlags, here: Here) =>
  Effect.gen(function* () {
    const { onto, patches, target, upstream } = yield* stackOf(flags, here)
    const { repository } = here
    const progress = makeProgress(session)
    progress.status(`carrying ${patches.length} patches over to ${GitName.shortName(onto)}`)
    const look =
      flags.carryLanded === true
        ? { verdicts: new Map(), notes: [] }
        : yield* Forecast.lookForLanded({ repository, patches, onto, upstream })
    for (const note of look.notes) session.note(oneLine(note))
    const inputs = {
      repository,
      patches,
      upstream,
      landed: look.verdicts,
      resolver: Resolver.makeResolver({ repository, policy: { reuse: flags.reuse ?? "label", push: false } }),
      keepGoing: flags.keepGoing === true,
      trailers: {
        patch: flags.trailers === true,
        ...(flags.event === undefined ? {} : { event: flags.event })
      }
    }
    const result = yield* Rebuild.rebuild({ ...inputs, onto }).pipe(
      Effect.ensuring(Effect.sync(progress.clear))
    )
    const verdicts = [...FindLanded.withEmpty(look.verdicts, result).values()]
    const candidate = GitName.shortName(target.ref)
    if (flags.dryRun === true || result._tag === "Conflicted") {
      return { result, verdicts, candidate, backup: null }
    }
    const tag = candidate.startsWith(Candidate.candidatePrefix)
      ? candidate.slice(Candidate.candidatePrefix.length)
      : candidate
    const event = flags.event === undefined ? {} : { event: flags.event }
    const proof = yield* CandidateProof.makeProof({ ...inputs, tag, rebuilt: result, ...event })
    const moved = yield* RebuildTarget.moveTarget({ repository, target, commit: result.tip, proof })
    return { result: { ...result, moved }, verdicts, candidate, backup: moved[1]?.ref ?? null }
  })

const printResult = (
  session: Session,
  result: RebuildResult.RebuildResult,
  verdicts: ReadonlyArray<LandedVerdict.LandedVerdict>,
  moved: { readonly candidate: string; readonly backup: string | null } | undefined
): void => {
  const { green, dim, yellow } = session.styles
  session.print(`onto: ${shortId(result.onto)}\n`)
  for (const { patch, commits, empty } of result.applied) {
    const left = empty.length === 0 ? "" : dim(` (${empty.length} left out, as they change nothing any more)`)
    session.print(`${green("applied")} ${patch}: ${countOf(commits.length)}${left}\n`)
  }
  for (const { patch, path, resolution } of Resolver.reusedResolutions(result)) {
    session.print(`${yellow("resolved")} ${patch}: ${oneLine(path)} by the stored resolution ${resolution}\n`)
  }
  for (const { patch, reason, evidence } of result.dropped) {
    const why = evidence[0] === undefined ? "" : `: ${oneLine(evidence[0].detail)}`
    session.print(`${yellow("dropped")} ${patch}: ${droppedWhy[reason]}${why}\n`)
  }
  for (const { patch, verdict, evidence } of verdicts) {
    if (verdict !== "landed-modified") continue
    const detail = oneLine(evidence[0]?.detail ?? "")
    session.print(
      `${yellow("look")} ${patch}: upstream may have taken it, and it is carried on (${detail})\n`
    )
  }
  if (result._tag === "Conflicted") {
    printConflict(session, result)
    return
  }
  for (const skipped of result.skipped) printSkipped(session, skipped)
  session.print(`result: ${shortId(result.tip)}\n`)
  if (moved === undefined) {
    session.print("no branch was moved (dry run)\n")
    return
  }
  session.print(`candidate: ${moved.candidate} ${shortId(result.tip)}\n`)
  if (moved.backup !== null) session.print(`before: ${moved.backup}\n`)
}

const droppedWhy: Readonly<Record<RebuildResult.DroppedPatch["reason"], string>> = {
  empty: "it changes nothing any more",
  "no-commits": "upstream holds all of its commits",
  "landed-identical": "it has landed",
  "landed-modified": "upstream has the change in another form",
  obsolete: "what its contract names as its end has come"
}

const printSkipped = (session: Session, skipped: RebuildResult.SkippedPatch): void => {
  const { red, yellow } = session.styles
  if (skipped.reason === "conflict") {
    session.print(`${red("skipped")} ${skipped.patch}: it conflicts\n`)
    printConflictRecord(session, skipped)
    return
  }
  const shown = skipped.paths.slice(0, pathsShownMax).map(oneLine)
  const more = skipped.paths.length > shown.length ? ` and ${skipped.paths.length - shown.length} more` : ""
  const why = shown.length === 0 ? "it builds on its commits" : `both change ${shown.join(", ")}${more}`
  session.print(`${yellow("skipped")} ${skipped.patch}: it depends on ${skipped.on}, ${why}\n`)
}

/** Paths that one line names. */
const pathsShownMax = 5

const countOf = (commits: number): string => `${commits} ${commits === 1 ? "commit" : "commits"}`
