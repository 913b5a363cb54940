/**
 * `patchmoi patch rebuild`: carries the patches over to an upstream commit and moves one branch to the result: a candidate,
 * unless `--to` names another. A branch that is checked out anywhere is not moved under its work tree.
 */
import { Candidate, GitName, Rebuild, type RebuildResult, Repository } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { makeProgress } from "../progress.ts"
import type { Session } from "../Session.ts"
import { printConflict } from "./conflictText.ts"
import type { PatchRebuildFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** A conflict is told in full and ends with exit code 10; nothing has moved then. */
export const run: Run<PatchRebuildFlags> = async (session, flags) => {
  const { result, candidate } = await inRepository(session, (here) => rebuild(session, flags, here))
  const isDry = flags.dryRun === true
  if (session.json) session.printJson({ ...result, candidate, dryRun: isDry })
  else printResult(session, result, isDry ? undefined : candidate)
  return result._tag === "Conflicted" ? exitCodes.needsAttention : exitCodes.good
}

/** The maintained repository forbids it: `[safety] allowRebuild = false` in its `.patchmoi.toml`. Nothing was done. */
export class RebuildForbidden extends Error {
  readonly _tag = "RebuildForbidden"
  override readonly name = "RebuildForbidden"

  constructor(readonly file: string) {
    super(`${file} forbids rebuilds (allowRebuild = false); change it there first`)
  }
}

/** There is nothing to rebuild onto, and nothing to rebuild. */
export class NothingToRebuild extends Error {
  readonly _tag = "NothingToRebuild"
  override readonly name = "NothingToRebuild"
}

// --- internal ---

const rebuild = (session: Session, flags: PatchRebuildFlags, { repository, topology, config }: Here) =>
  Effect.gen(function* () {
    const { upstream, patches } = topology
    if (config.restrictions.forbidden.includes("rebuild")) {
      return yield* Effect.fail(new RebuildForbidden(config.file ?? ".patchmoi.toml"))
    }
    if (patches.length === 0) {
      return yield* Effect.fail(
        new NothingToRebuild(
          `No branch begins with "${topology.patchPrefix}"; there is nothing to carry over`
        )
      )
    }
    if (flags.onto === undefined && upstream.commit === null) {
      return yield* Effect.fail(
        new NothingToRebuild(
          `${GitName.shortName(upstream.ref)} is not known here; fetch it, or name another with --onto`
        )
      )
    }
    const onto = flags.onto ?? upstream.ref
    const ref = yield* flags.to === undefined
      ? Candidate.candidateRefOf(GitName.shortName(onto))
      : GitName.parseBranch(flags.to)
    const candidate = GitName.shortName(ref)
    const progress = makeProgress(session)
    progress.status(`carrying ${patches.length} patches over to ${GitName.shortName(onto)}`)
    const result = yield* Rebuild.rebuild({
      repository,
      onto,
      patches,
      upstream: upstream.commit === null ? [] : [upstream.commit],
      refs: flags.dryRun === true ? [] : [{ ref, expected: yield* Repository.readRef({ repository, ref }) }]
    }).pipe(Effect.ensuring(Effect.sync(progress.clear)))
    return { result, candidate }
  })

const printResult = (
  session: Session,
  result: RebuildResult.RebuildResult,
  candidate: string | undefined
): void => {
  const { green, dim, yellow } = session.styles
  session.print(`onto: ${shortId(result.onto)}\n`)
  for (const { patch, commits, empty } of result.applied) {
    const left = empty.length === 0 ? "" : dim(` (${empty.length} left out, as they change nothing any more)`)
    session.print(`${green("applied")} ${patch}: ${countOf(commits.length)}${left}\n`)
  }
  for (const { patch, reason } of result.dropped) {
    const why = reason === "empty" ? "it changes nothing any more" : "upstream holds all of its commits"
    session.print(`${yellow("dropped")} ${patch}: ${why}\n`)
  }
  if (result._tag === "Conflicted") {
    printConflict(session, result)
    return
  }
  session.print(`result: ${shortId(result.tip)}\n`)
  session.print(
    candidate === undefined
      ? "no branch was moved (dry run)\n"
      : `candidate: ${candidate} ${shortId(result.tip)}\n`
  )
}

const countOf = (commits: number): string => `${commits} ${commits === 1 ? "commit" : "commits"}`
