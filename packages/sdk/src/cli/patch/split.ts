/** `patchmoi patch split`: several patches of one. */
import { Split } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { UsageError } from "../UsageError.ts"
import { printMoved, refuseForbidden, undoOf, warn } from "./editing.ts"
import type { PatchSplitFlags } from "./flags.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Exit code 0 when the patch was split; a split that would change the sum is an error and moves nothing. */
export const run: Run<PatchSplitFlags, [string]> = async (session, flags, patch) => {
  const by = waysOf(flags)
  const result = await inRepository(session, (here) => split(flags, patch, by, here))
  const dryRun = flags.dryRun === true
  if (session.json) {
    session.printJson({ status: "changed", ...result, undo: undoOf(result.moved), dryRun })
  } else printResult(session, result, dryRun)
  return exitCodes.good
}

// --- internal ---

/** `name:glob`, again for more globs of the same patch; `name` or `name:rest` takes the rest. */
const waysOf = ({ commits, into }: PatchSplitFlags): Split.SplitOptions["by"] => {
  const given = into ?? []
  if (commits === true) {
    const globbed = given.find((text) => text.includes(":"))
    if (globbed !== undefined) {
      throw new UsageError("--into names patches only, without globs, when --commits is given", {
        option: "--into",
        found: globbed
      })
    }
    return { _tag: "commits", ...(given.length === 0 ? {} : { names: given }) }
  }
  if (given.length === 0) {
    throw new UsageError("say how to split: --into <name:glob> twice or more, or --commits", {
      option: "--into"
    })
  }
  const parts = new Map<string, Array<string>>()
  for (const text of given) {
    const colon = text.indexOf(":")
    const name = colon < 0 ? text : text.slice(0, colon)
    const glob = colon < 0 ? "rest" : text.slice(colon + 1)
    const globs = parts.get(name) ?? []
    if (glob !== "rest") globs.push(glob)
    parts.set(name, globs)
  }
  return { _tag: "paths", parts: [...parts].map(([name, globs]) => ({ name, globs })) }
}

const split = (
  flags: PatchSplitFlags,
  patch: string,
  by: Split.SplitOptions["by"],
  { repository, topology, config }: Here
) =>
  Effect.gen(function* () {
    yield* refuseForbidden(config)
    return yield* Split.split({ repository, topology, patch, by, dryRun: flags.dryRun === true })
  })

const printResult = (session: Session, result: Split.SplitResult, isDry: boolean): void => {
  const { green, yellow } = session.styles
  for (const { patch, tip, subjects, paths } of result.parts) {
    const files = paths.length === 0 ? "" : ` (${paths.length} ${paths.length === 1 ? "file" : "files"})`
    session.print(`${green("split")} ${patch} ${shortId(tip)}: ${oneLine(subjects.join("; "))}${files}\n`)
  }
  for (const { from, to } of result.renames) session.print(`${yellow("renamed")} ${from}: ${to}\n`)
  printMoved(session, result.moved, isDry)
  if (!result.stackTried) {
    warn(session, "the stack does not apply to upstream as it is, so only the patch itself was compared")
  }
}
