/** `patchmoi flow explain`: for each step, whether an event would start it, and why not. Runs and records nothing. */

import type { StepExplanation } from "@patchmoi/core/engine/Match"
import { explain } from "@patchmoi/core/engine/Match"
import { normalizeEvent } from "@patchmoi/core/event/normalizeEvent"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as FlowCatalogFiles from "../../flow/FlowCatalogFiles.ts"
import type { Run } from "../command.ts"
import { readEventFile } from "../eventFile.ts"
import { exitCodes } from "../exitCodes.ts"
import { runWith } from "../runWith.ts"
import type { Session } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { noteBrokenFlows } from "./brokenFlows.ts"
import type { ExplainFlags } from "./flags.ts"

/** Exit code 0, whether a step matches or not: an answer is an answer. */
export const run: Run<ExplainFlags> = async (session, flags) => {
  const given = await readEventFile(session, flags.event)
  const { event, steps, broken } = await runWith(
    session,
    Layer.empty,
    Effect.gen(function* () {
      const catalog = yield* FlowCatalogFiles.make({ workspaceRoot: session.directory })
      const snapshot = yield* catalog.snapshot
      const normal = yield* normalizeEvent(given, yield* Clock.currentTimeMillis)
      return { event: normal, steps: explain(snapshot, normal), broken: snapshot.broken }
    })
  )
  if (session.json) {
    session.printJson({ eventId: event.id, type: event.type, steps, broken })
    return exitCodes.good
  }
  session.printRows(columnsOf(session), steps)
  noteBrokenFlows(session, broken)
  if (steps.length === 0) session.note("There is no step in this workspace")
  return exitCodes.good
}

// --- internal ---

const columnsOf = ({ styles }: Session): ReadonlyArray<Column<StepExplanation>> => [
  {
    title: "MATCHES",
    of: ({ matched }) => (matched ? "yes" : "no"),
    style: ({ matched }) => (matched ? styles.green : styles.dim)
  },
  { title: "FLOW", of: ({ flowName }) => flowName, shrinks: true },
  { title: "STEP", of: ({ stepName }) => stepName, shrinks: true },
  { title: "REASON", of: ({ reason }) => reason ?? "", shrinks: true }
]
