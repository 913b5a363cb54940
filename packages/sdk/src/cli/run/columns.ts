/** How runs look in a list. */
import type { RunView, WaitingOn } from "@patchmoi/core/run/RunView"
import type { Session } from "../Session.ts"
import { statusStyle } from "../text/style.ts"
import type { Column } from "../text/table.ts"

export const runColumns = ({ styles }: Session): ReadonlyArray<Column<RunView>> => [
  { title: "CREATED", of: ({ createdAt }) => createdAt },
  { title: "RUN", of: ({ id }) => id },
  {
    title: "STATUS",
    of: ({ status }) => status,
    style: ({ status }) => statusStyle(styles, status)
  },
  { title: "FLOW", of: ({ flowName }) => flowName, shrinks: true },
  { title: "STEP", of: ({ stepName }) => stepName, shrinks: true },
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

const saysOf = ({ error, resultPayload, waitingOn }: RunView): string =>
  error ?? resultPayload?.message ?? (waitingOn === undefined ? "" : `waits for ${waitingText(waitingOn)}`)
