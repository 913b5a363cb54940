/** `patchmoi flow list`. Loads no Effect: it only looks at folders. */
import type { Flow } from "@patchmoi/core/flow/Flow"
import { FlowFolders } from "../../flow/FlowFolders.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import type { CommonFlags } from "../Session.ts"
import type { Column } from "../text/table.ts"
import { noteBrokenFlows, noteWarnings } from "./brokenFlows.ts"

/** Prints the good flows; broken ones and warnings go to standard error and do not change the exit code. */
export const run: Run<CommonFlags> = async (session) => {
  const { flows, broken } = new FlowFolders({ workspaceRoot: session.directory }).read()
  if (session.json) {
    session.printJson({ flows: flows.map(toJson), broken })
    return exitCodes.good
  }
  if (session.forPeople) session.printRows(columns, flows)
  // Scripts read these lines: a name, a tab, a folder.
  else session.print(flows.map(({ name, root }) => `${name}\t${root}\n`).join(""))
  noteBrokenFlows(session, broken)
  noteWarnings(session, flows)
  if (flows.length === 0 && broken.length === 0) {
    session.note(`No flows in ${session.path(".codex/flows")} or ${session.path("flows")}`)
  }
  return exitCodes.good
}

// --- internal ---

const triggersOf = ({ steps }: Flow): string =>
  [...new Set(steps.flatMap(({ trigger }) => trigger?.type ?? []))].join(", ") || "none"

const columns: ReadonlyArray<Column<Flow>> = [
  { title: "FLOW", of: ({ name }) => name, shrinks: true },
  { title: "VERSION", of: ({ version }) => String(version) },
  { title: "STEPS", of: ({ steps }) => steps.map(({ name }) => name).join(", "), shrinks: true },
  { title: "TRIGGERS", of: triggersOf, shrinks: true },
  { title: "ROOT", of: ({ root }) => root, shrinks: true }
]

const toJson = ({ name, version, description, root, steps, warnings }: Flow) => ({
  name,
  version,
  ...(description === undefined ? {} : { description }),
  root,
  steps: steps.map(({ name: step, plan, trigger }) => ({
    name: step,
    runner: plan.runner,
    script: plan.script,
    ...(trigger === undefined
      ? {}
      : {
          trigger: {
            type: trigger.type,
            ...(trigger.schemaPath === undefined ? {} : { schema: trigger.schemaPath })
          }
        })
  })),
  warnings
})
