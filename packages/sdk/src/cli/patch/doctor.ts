/** `patchmoi patch doctor`: what stands between the repository and a rebuild. The lines are those that scripts know. */
import { Doctor, GitName, StackReport, StaleQuarantines, type Topology } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import type { PatchDoctorFlags } from "./flags.ts"
import { inRepository, shortId } from "./repository.ts"

/** Exit code 0 when it is ready, 1 when there is an issue. */
export const run: Run<PatchDoctorFlags> = async (session, { sweep }) => {
  const { diagnosis, swept, topology } = await inRepository(session, ({ repository, topology }) =>
    Effect.gen(function* () {
      const stack = yield* StackReport.inspectStack({ repository, topology })
      const swept = sweep === true ? yield* StaleQuarantines.sweepStaleQuarantines({ repository }) : []
      const left = yield* StaleQuarantines.listStaleQuarantines({ repository })
      return { topology, swept, diagnosis: Doctor.doctor(topology, stack, left) }
    })
  )
  if (session.json) session.printJson({ ...diagnosis, topology, swept })
  else printDiagnosis(session, topology, diagnosis)
  for (const { directory } of session.json ? [] : swept) session.note(`removed ${oneLine(directory)}`)
  return diagnosis.ready ? exitCodes.good : exitCodes.failed
}

// --- internal ---

const printDiagnosis = (session: Session, topology: Topology.Topology, diagnosis: Doctor.Diagnosis): void => {
  const { green, red, yellow } = session.styles
  const lines = [
    `repo: ${topology.directory}`,
    `branch: ${topology.branch ?? "(detached)"}`,
    `main: ${refText(topology.target)}`,
    `upstream: ${refText(topology.upstream)}`,
    `patches: ${topology.patches.length}`,
    `worktree: ${topology.workTree}`,
    `ready: ${diagnosis.ready ? green("yes") : red("no")}`,
    ...diagnosis.issues.map(({ blocks, message }) => (blocks ? red : yellow)(`- ${oneLine(message)}`))
  ]
  session.print(`${lines.join("\n")}\n`)
}

const refText = ({ ref, commit }: typeof Topology.RefView.Type): string =>
  `${GitName.shortName(ref)} ${commit === null ? "(missing)" : shortId(commit)}`
