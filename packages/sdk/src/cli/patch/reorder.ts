/** `patchmoi patch reorder`: a patch goes to another place in the stack. */
import { Reorder } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { UsageError } from "../UsageError.ts"
import { printMoved, refuseForbidden, undoOf, warn } from "./editing.ts"
import type { PatchReorderFlags } from "./flags.ts"
import { type Here, inRepository } from "./repository.ts"

/** An order that gives another result is an error, unless it is insisted upon. */
export const run: Run<PatchReorderFlags, [string]> = async (session, flags, patch) => {
  const place = placeOf(flags)
  const result = await inRepository(session, (here) => reorder(flags, patch, place, here))
  const dryRun = flags.dryRun === true
  if (session.json) {
    const status = result.renames.length === 0 ? "skipped" : "changed"
    session.printJson({ status, ...result, undo: undoOf(result.moved), dryRun })
  } else printResult(session, result, dryRun)
  return exitCodes.good
}

// --- internal ---

const placeOf = ({ before, after }: PatchReorderFlags): Reorder.ReorderOptions["place"] => {
  if (before !== undefined && after === undefined) return { side: "before", other: before }
  if (after !== undefined && before === undefined) return { side: "after", other: after }
  throw new UsageError("say where it goes: --before <patch> or --after <patch>, one of them", {
    options: ["--before", "--after"]
  })
}

const reorder = (
  flags: PatchReorderFlags,
  patch: string,
  place: Reorder.ReorderOptions["place"],
  { repository, topology, config }: Here
) =>
  Effect.gen(function* () {
    yield* refuseForbidden(config)
    return yield* Reorder.reorder({
      repository,
      topology,
      patch,
      place,
      ...(flags.onto === undefined ? {} : { onto: flags.onto }),
      force: flags.force === true,
      dryRun: flags.dryRun === true
    })
  })

const printResult = (session: Session, result: Reorder.Reordered, isDry: boolean): void => {
  const { green, yellow } = session.styles
  if (result.renames.length === 0) {
    session.print(`${yellow("skipped")}: it is there already\n`)
    return
  }
  for (const { from, to } of result.renames) session.print(`${green("renamed")} ${from}: ${to}\n`)
  session.print(`order: ${result.order.join(", ")}\n`)
  printMoved(session, result.moved, isDry)
  const { comparison, owners } = result
  if (comparison?._tag === "Different") {
    warn(session, `the new order gives another tree, in ${comparison.paths.join(", ")}`)
  } else if (comparison !== null && comparison._tag !== "Same") {
    warn(session, `the stack does not apply: ${comparison.conflict.patch} conflicts`)
  }
  if (owners.length > 0) warn(session, `${owners.join(", ")} bring other commits than before`)
}
