/** `patchmoi cascade check`: the targets beside a list that is kept elsewhere. */
import {
  driftOf,
  parseTargetList,
  TargetListInvalid,
  targetListLengthMax
} from "@patchmoi/git/cascade/TargetList"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import { readConfig } from "./config.ts"
import type { CascadeCheckFlags } from "./flags.ts"

/** Exit code 0 when both name the same repositories, 1 otherwise. */
export const run: Run<CascadeCheckFlags> = async (session, flags) => {
  const text = await readList(session, flags.against)
  const drift = await runWith(
    session,
    Layer.empty,
    Effect.gen(function* () {
      const config = yield* readConfig(session, flags)
      const giteaUrl = config.giteaUrl ?? undefined
      return driftOf(config, yield* parseTargetList({ list: flags.against, text, giteaUrl }))
    })
  )
  const { common, extra, missing } = drift
  const agrees = missing.length === 0 && extra.length === 0
  if (session.json) session.printJson({ agrees, ...drift })
  else {
    for (const repository of missing) session.print(`missing\t${repository}\n`)
    for (const repository of extra) session.print(`extra\t${repository}\n`)
    session.note(
      agrees
        ? `the same ${common} repositories`
        : `${missing.length} only in the list, ${extra.length} only in the configuration, ${common} in both`
    )
  }
  return agrees ? exitCodes.good : exitCodes.failed
}

// --- internal ---

const readList = async (session: Session, given: string): Promise<string> => {
  if (given === "-") {
    return new TextDecoder().decode(await session.caller.readInput(targetListLengthMax + 1))
  }
  try {
    return await Bun.file(session.path(given))
      .slice(0, targetListLengthMax + 1)
      .text()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : "it cannot be read"
    throw new TargetListInvalid({ list: given, line: null, reason })
  }
}
