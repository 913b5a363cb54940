/** `patchmoi attempt show`: one upstream movement, from what moved to what came of it. */
import type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { readingRecord } from "../record.ts"
import { type RecordFlags, recordFolder, type Session } from "../Session.ts"
import { type Fact, printFacts } from "../text/facts.ts"
import { candidateText } from "./candidateText.ts"

export const run: Run<RecordFlags, [string]> = async (session, flags, attemptId) => {
  const attempt = await readingRecord(
    session,
    recordFolder(session, flags),
    Effect.flatMap(Flow, (flow) => flow.getMaintenanceAttempt(attemptId))
  )
  if (session.json) session.printJson(attempt)
  else printAttempt(session, attempt)
  return exitCodes.good
}

/** Prints an attempt for people. */
export const printAttempt = (session: Session, attempt: MaintenanceDocument): void =>
  printFacts(session, [
    ["attempt", attempt.id],
    ["event", attempt.eventId],
    ["type", attempt.eventType],
    ["operation", attempt.operation],
    ["status", attempt.status],
    ["upstream", attempt.upstreamRepo],
    ["tag", attempt.upstreamTag],
    ["ref", attempt.upstreamRef],
    ["sha", attempt.upstreamSha],
    ["backend", attempt.workspaceBackendUrl],
    ["waits for", attempt.awaitsBackend === true ? "the backend to accept the event" : undefined],
    ["message", attempt.message],
    ["error", attempt.error],
    ["replaced by", attempt.replacedBy],
    ["created", attempt.createdAt],
    ["updated", attempt.updatedAt],
    ["completed", attempt.completedAt],
    ...attempt.workspaceRunIds.map(
      (runId): Fact => ["run", `${runId} ${attempt.workspaceRunStatuses[runId] ?? "under way"}`]
    ),
    ...attempt.candidateRefs.map((candidate): Fact => ["candidate", candidateText(candidate)])
  ])
