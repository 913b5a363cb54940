/** `patchmoi patch doctor`: what stands between the repository and a rebuild. The lines are those that scripts know. */
import { Doctor, GitName, StackReport, type Topology } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { CommonFlags, Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import { inRepository, shortId } from "./repository.ts"

/** Exit code 0 when it is ready, 1 when there is an issue. */
export const run: Run<CommonFlags> = async (session) => {
  const { topology, stack } = await inRepository(session, ({ repository, topology }) =>
    Effect.map(StackReport.inspectStack({ repository, topology }), (stack) => ({ topology, stack }))
  )
  const diagnosis = Doctor.doctor(topology, stack)
  if (session.json) session.printJson({ ...diagnosis, topology })
  else printDiagnosis(session, topology, diagnosis)
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
