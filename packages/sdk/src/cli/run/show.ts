/** `patchmoi run show`: what a run is, how far it is, what it says; with `--output`, what its last attempt printed. */
import type { ExitCause } from "@patchmoi/core/executor/Executor"
import type { LateWrite } from "@patchmoi/core/run/LateWrite"
import type { ApprovalView, AttemptView, RunView } from "@patchmoi/core/run/RunView"
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { readingRecord } from "../record.ts"
import { recordFolder, type Session } from "../Session.ts"
import { printFacts, printHeading } from "../text/facts.ts"
import { statusStyle } from "../text/style.ts"
import type { Column } from "../text/table.ts"
import { waitingText } from "./columns.ts"
import type { RunShowFlags } from "./flags.ts"

/** JSON has all of it, the output included. */
export const run: Run<RunShowFlags, [string]> = async (session, flags, runId) => {
  const view = await readingRecord(
    session,
    recordFolder(session, flags),
    Effect.flatMap(Flow, (flow) => flow.getRun(runId))
  )
  if (session.json) session.printJson(view)
  else printRun(session, view, flags.output === true)
  return exitCodes.good
}

/** Prints a run for people, or as lines with tabs. */
export const printRun = (session: Session, view: RunView, withOutput: boolean): void => {
  printFacts(session, [
    ["run", view.id],
    ["event", view.eventId],
    ["flow", `${view.flowName} (version ${view.flowVersion})`],
    ["step", view.stepName],
    ["generation", view.generation],
    ["status", view.status],
    ["process", view.processStatus],
    ["result", view.resultStatus],
    ["needs attention", view.needsAttention ? "yes" : undefined],
    ["waits for", view.waitingOn === undefined ? undefined : waitingText(view.waitingOn)],
    ["choices", view.waitingOn?._tag === "Approval" ? view.waitingOn.choices?.join(", ") : undefined],
    ["cancel asked by", view.cancelRequested === true ? (view.cancelRequestedBy ?? "unknown") : undefined],
    ["cancel reason", view.cancelReason],
    ["message", view.resultPayload?.message],
    ["error", view.error],
    ["exit", view.exit === undefined ? undefined : exitText(view.exit)],
    ["created", view.createdAt],
    ["started", view.startedAt],
    ["completed", view.completedAt],
    ["artifacts", textOf(view.resultPayload?.artifacts)]
  ])
  printHeading(session, "Attempts")
  session.printRows(attemptColumns(session), view.attempts)
  if (view.approvals !== undefined) {
    printHeading(session, "Approvals")
    session.printRows(approvalColumns, view.approvals)
  }
  if (view.lateWrites !== undefined) {
    printHeading(session, "Refused writes")
    session.printRows(lateWriteColumns, view.lateWrites)
  }
  if (!withOutput) return
  printHeading(session, "Output")
  for (const { text, leftOutBytes } of view.output) {
    if (leftOutBytes !== undefined) session.print(`[… ${leftOutBytes} bytes were not kept …]\n`)
    session.print(text)
  }
}

// --- internal ---

const textOf = (value: unknown): string | undefined =>
  value === undefined ? undefined : JSON.stringify(value)

const exitText = (exit: ExitCause): string => {
  switch (exit._tag) {
    case "ExitCode":
      return `code ${exit.code}`
    case "Signal":
      return `signal ${exit.signal}`
    case "Timeout":
      return `timeout after ${exit.timeoutMillis} ms`
    case "Canceled":
      return "canceled"
    case "Lost":
      return `lost: ${exit.reason}`
    case "NotStarted":
      return `not started: ${exit.reason}`
  }
}

const attemptColumns = ({ styles }: Session): ReadonlyArray<Column<AttemptView>> => [
  { title: "NUMBER", of: ({ attemptNumber }) => String(attemptNumber) },
  { title: "STATUS", of: ({ status }) => status, style: ({ status }) => statusStyle(styles, status) },
  { title: "STARTED", of: ({ startedAt }) => startedAt },
  { title: "COMPLETED", of: ({ completedAt }) => completedAt ?? "" },
  { title: "WORKER", of: ({ workerId }) => workerId, shrinks: true },
  { title: "ERROR", of: ({ error }) => error ?? "", shrinks: true }
]

const approvalColumns: ReadonlyArray<Column<ApprovalView>> = [
  { title: "AT", of: ({ at }) => at },
  { title: "DECISION", of: ({ decision }) => decision },
  { title: "CHOICE", of: ({ choice }) => choice ?? "" },
  { title: "BY", of: ({ by }) => by ?? "" },
  { title: "COMMENT", of: ({ comment }) => comment ?? "", shrinks: true },
  { title: "PROMPT", of: ({ prompt }) => prompt, shrinks: true }
]

const lateWriteColumns: ReadonlyArray<Column<LateWrite>> = [
  { title: "AT", of: ({ at }) => at },
  { title: "ATTEMPT", of: ({ attemptId }) => attemptId },
  { title: "WRITE", of: ({ kind }) => kind },
  { title: "REASON", of: ({ reason }) => reason },
  { title: "SAID", of: ({ summary }) => summary ?? "", shrinks: true }
]
