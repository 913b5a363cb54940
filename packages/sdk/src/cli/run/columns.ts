/** How runs look in a list. */
import type { RunView, WaitingOn } from "@patchmoi/core/run/RunView"
import type { Session } from "../Session.ts"
import { statusStyle } from "../text/style.ts"
import type { Column } from "../text/table.ts"
import { timeText } from "../text/time.ts"

/** The id first, as it is what one copies. On a terminal flow and step share a column. */
export const runColumns = ({ styles, forPeople }: Session): ReadonlyArray<Column<RunView>> => [
  { title: "RUN", of: ({ id }) => id },
  {
    title: "STATUS",
    of: ({ status }) => status,
    style: ({ status }) => statusStyle(styles, status)
  },
  ...(forPeople ? [sharedStepColumn] : stepColumns),
  { title: "CREATED", of: ({ createdAt }) => timeText(createdAt, forPeople) },
  { title: "SAYS", of: saysOf, shrinks: true }
]

/** What the run waits for, in words. */
export const waitingText = (waiting: WaitingOn): string => {
  switch (waiting._tag) {
    case "Slot":
      return "a free slot"
    case "Retry":
      return `its next attempt at ${waiting.at}`
    case "Lease":
      return `worker ${waiting.workerId}`
    case "Approval":
      return `approval: ${waiting.prompt}`
  }
}

// --- internal ---

const stepColumns: ReadonlyArray<Column<RunView>> = [
  { title: "FLOW", of: ({ flowName }) => flowName },
  { title: "STEP", of: ({ stepName }) => stepName }
]

const sharedStepColumn: Column<RunView> = {
  title: "STEP",
  of: ({ flowName, stepName }) => `${flowName}/${stepName}`,
  shrinks: true
}

const saysOf = ({ error, resultPayload, waitingOn }: RunView): string =>
  error ?? resultPayload?.message ?? (waitingOn === undefined ? "" : `waits for ${waitingText(waitingOn)}`)
