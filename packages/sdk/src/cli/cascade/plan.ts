/** `patchmoi cascade plan`: what would be done about each target. */
import { existsSync } from "node:fs"
import type { TargetIntent } from "@patchmoi/core/cascade/CascadeFact"
import { type CascadePlan, type PlanEntry, planToJson } from "@patchmoi/git/cascade/CascadePlan"
import { planCascade } from "@patchmoi/git/cascade/plan"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readWritten } from "../../cascade/CascadeRecord.ts"
import { layerCascade } from "../../cascade/layerCascade.ts"
import { layerStore } from "../../composeEngine.ts"
import type { Run } from "../command.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { makeProgress } from "../progress.ts"
import { recordState } from "../recordOptions.ts"
import { runWith } from "../runWith.ts"
import { newRecordFolder, type Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { memoryFolder, readConfig, versionOf } from "./config.ts"
import type { CascadePlanFlags } from "./flags.ts"
import { cascadeStyle, sayOf } from "./targetText.ts"

export const run: Run<CascadePlanFlags, [string]> = async (session, flags, given) => {
  const version = versionOf(given)
  const dataDir = newRecordFolder(session, flags)
  const state = existsSync(dataDir) ? recordState(dataDir, "read") : ({ kind: "memory" } as const)
  const services = layerCascade({ memory: memoryFolder(dataDir), env: session.caller.env })
  const progress = makeProgress(session)
  const plan = await runWith(
    session,
    Layer.merge(services, layerStore(state)),
    Effect.gen(function* () {
      const config = yield* readConfig(session, flags)
      const written = yield* readWritten(config.name)
      return yield* planCascade({
        config,
        version,
        written,
        allowDowngrade: flags.allowDowngrade === true,
        overridePins: flags.overridePins === true,
        onTarget: ({ intent, target }) => Effect.sync(() => progress.status(`${intent} ${target.id}`))
      })
    }).pipe(Effect.ensuring(Effect.sync(progress.clear)))
  )
  if (session.json) session.printJson(planToJson(plan))
  else session.printRows(columnsOf(session), plan.entries)
  return exitCodeOf(plan)
}

// --- internal ---

const exitCodeOf = ({ entries }: CascadePlan): ExitCode => {
  const has = (intent: TargetIntent) => entries.some((entry) => entry.intent === intent)
  if (has("unreachable")) return exitCodes.failed
  return has("pinned") ? exitCodes.needsAttention : exitCodes.good
}

const columnsOf = ({ styles }: Session): ReadonlyArray<Column<PlanEntry>> => [
  { title: "INTENT", of: ({ intent }) => intent, style: ({ intent }) => cascadeStyle(styles, intent) },
  { title: "TARGET", of: ({ target }) => target.id, shrinks: true },
  { title: "BY", of: ({ how }) => how },
  { title: "HOLDS", of: ({ current }) => current ?? "", shrinks: true },
  { title: "SAYS", of: sayOf, shrinks: true }
]
