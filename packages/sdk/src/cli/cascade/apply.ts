/** `patchmoi cascade apply`: writes a version into every target that needs it, and keeps the record of it. */
import { applyCascade } from "@patchmoi/git/cascade/apply"
import type { CascadePlan } from "@patchmoi/git/cascade/CascadePlan"
import {
  type CascadeReport,
  reportToJson,
  summaryOf,
  type TargetOutcome
} from "@patchmoi/git/cascade/CascadeReport"
import { planCascade } from "@patchmoi/git/cascade/plan"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { beginRecord, readWritten } from "../../cascade/CascadeRecord.ts"
import { layerCascade } from "../../cascade/layerCascade.ts"
import { layerStore } from "../../composeEngine.ts"
import type { Run } from "../command.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { Interrupted } from "../failure.ts"
import { awaitAbort } from "../interruption.ts"
import { makeProgress, type Progress } from "../progress.ts"
import { recordState } from "../recordOptions.ts"
import { runWith } from "../runWith.ts"
import { newRecordFolder, type Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { oneLine } from "../text/width.ts"
import { memoryFolder, readConfig, versionOf } from "./config.ts"
import type { CascadeApplyFlags } from "./flags.ts"
import { cascadeStyle, sayOf } from "./targetText.ts"

export const run: Run<CascadeApplyFlags, [string]> = async (session, flags, given) => {
  const version = versionOf(given)
  // Before the record is opened: a slip in the name of the file must not make a new record.
  const config = await runWith(session, Layer.empty, readConfig(session, flags))
  const keeps = flags.noRecord !== true
  const dataDir = newRecordFolder(session, flags)
  const state = keeps ? recordState(dataDir, "write") : ({ kind: "memory" } as const)
  const memory = keeps ? memoryFolder(dataDir) : undefined
  const progress = makeProgress(session)
  const carryOut = Effect.gen(function* () {
    const written = yield* readWritten(config.name)
    const plan = yield* planCascade({
      config,
      version,
      written,
      allowDowngrade: flags.allowDowngrade === true,
      overridePins: flags.overridePins === true,
      trustMemory: true,
      onTarget: ({ target }) => Effect.sync(() => progress.status(`looked at ${target.id}`))
    })
    return yield* applyRecorded(plan, progress)
  }).pipe(Effect.ensuring(Effect.sync(progress.clear)))
  const stop = session.caller.interruption()
  const report = await runWith(
    session,
    Layer.merge(layerCascade({ memory, env: session.caller.env }), layerStore(state)),
    Effect.raceFirst(carryOut, Effect.zipRight(awaitAbort(stop), Effect.fail(stopped)))
  )
  if (session.json) session.printJson(reportToJson(report))
  else {
    session.printRows(columnsOf(session), report.outcomes)
    session.note(`${report.name} ${report.version}: ${summaryOf(report.outcomes)}`)
  }
  return exitCodeOfStatus(report.status)
}

/** How a cascade that ended so ends the command. */
export const exitCodeOfStatus = (status: CascadeReport["status"]): ExitCode =>
  ({
    completed: exitCodes.good,
    failed: exitCodes.failed,
    needs_person: exitCodes.needsAttention
  })[status]

// --- internal ---

const stopped = new Interrupted("stopped; what was pushed stays pushed, and the same command again goes on")

/** The plan carried out, each try in the record before the next one begins. */
const applyRecorded = (plan: CascadePlan, progress: Progress) =>
  Effect.gen(function* () {
    const record = yield* beginRecord(plan)
    const report = yield* applyCascade(plan, {
      onTry: record.onTry,
      onOutcome: ({ reason, status, target }) =>
        Effect.sync(() =>
          progress.happened(oneLine(`${status} ${target.id}${reason === "" ? "" : `: ${reason}`}`))
        )
    })
    yield* record.finish
    return report
  })

const columnsOf = ({ forPeople, styles }: Session): ReadonlyArray<Column<TargetOutcome>> => [
  { title: "STATUS", of: ({ status }) => status, style: ({ status }) => cascadeStyle(styles, status) },
  { title: "TARGET", of: ({ target }) => target.id, shrinks: true },
  { title: "HELD", of: ({ current }) => current ?? "", shrinks: true },
  { title: "COMMIT", of: ({ commit }) => (forPeople ? (commit ?? "").slice(0, 12) : (commit ?? "")) },
  { title: "TRIES", of: ({ tries }) => String(tries.length) },
  { title: "SAYS", of: sayOf, shrinks: true }
]
