/** `patchmoi cascade doctor`: every target checked before the first real run. */
import { doctorCascade, isHealthy, type TargetDiagnosis } from "@patchmoi/git/cascade/doctor"
import * as Effect from "effect/Effect"
import { layerCascade } from "../../cascade/layerCascade.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { makeProgress } from "../progress.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { oneLine } from "../text/width.ts"
import { readConfig } from "./config.ts"
import type { CascadeConfigFlags } from "./flags.ts"

/** Exit code 0 when a cascade would reach every target and be heard there, 1 otherwise. */
export const run: Run<CascadeConfigFlags> = async (session, flags) => {
  const progress = makeProgress(session)
  const diagnoses = await runWith(
    session,
    layerCascade({ env: session.caller.env }),
    Effect.flatMap(readConfig(session, flags), (config) =>
      doctorCascade(config, ({ target }) => Effect.sync(() => progress.status(`looked at ${target.id}`)))
    ).pipe(Effect.ensuring(Effect.sync(progress.clear)))
  )
  const healthy = isHealthy(diagnoses)
  if (session.json) session.printJson({ ready: healthy, targets: diagnoses.map(toJson) })
  else printDiagnoses(session, diagnoses, healthy)
  return healthy ? exitCodes.good : exitCodes.failed
}

// --- internal ---

const toJson = ({ target, ...diagnosis }: TargetDiagnosis) => ({ target: target.id, ...diagnosis })

const isReady = ({ issues }: TargetDiagnosis): boolean => issues.every(({ blocks }) => !blocks)

const printDiagnoses = (
  session: Session,
  diagnoses: ReadonlyArray<TargetDiagnosis>,
  healthy: boolean
): void => {
  const { green, red, yellow } = session.styles
  session.printRows(columnsOf(session), diagnoses)
  for (const { issues, target } of diagnoses) {
    for (const { blocks, message, next } of issues) {
      session.print(`${(blocks ? red : yellow)(`- ${oneLine(`${target.id}: ${message}; ${next}`)}`)}\n`)
    }
  }
  session.print(`ready: ${healthy ? green("yes") : red("no")}\n`)
}

const columnsOf = ({ styles }: Session): ReadonlyArray<Column<TargetDiagnosis>> => [
  {
    title: "READY",
    of: (diagnosis) => (isReady(diagnosis) ? "yes" : "no"),
    style: (diagnosis) => (isReady(diagnosis) ? styles.green : styles.red)
  },
  { title: "TARGET", of: ({ target }) => target.id, shrinks: true },
  { title: "BRANCH", of: ({ branch }) => branch ?? "", shrinks: true },
  { title: "OPTED IN", of: ({ optedIn }) => (optedIn === null ? "" : optedIn ? "yes" : "no") },
  { title: "READ BY", of: ({ workflows }) => workflows.join(", "), shrinks: true }
]
