/** `patchmoi event show`: the event, its runs, and its history of facts; a fact that this version does not know is told as such. */
import { Events } from "@patchmoi/core/event/Events"
import type { Recorded } from "@patchmoi/core/store/Log"
import { pageSizeMax, Store } from "@patchmoi/core/store/Store"
import { toIso } from "@patchmoi/core/Time"
import * as Effect from "effect/Effect"
import { Flow } from "../../Flow.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { readingRecord } from "../record.ts"
import { runColumns } from "../run/columns.ts"
import { type RecordFlags, recordFolder } from "../Session.ts"
import { printFacts, printHeading } from "../text/facts.ts"
import type { Column } from "../text/table.ts"

export const run: Run<RecordFlags, [string]> = async (session, flags, eventId) => {
  const { event, history } = await readingRecord(
    session,
    recordFolder(session, flags),
    Effect.gen(function* () {
      const flow = yield* Flow
      return { event: yield* flow.getEvent(eventId), history: yield* readHistory(eventId) }
    })
  )
  const facts = history.map(toShown)
  if (session.json) {
    session.printJson({ ...event, history: facts })
    return exitCodes.good
  }
  printFacts(session, [
    ["event", event.id],
    ["type", event.type],
    ["source", event.source],
    ["occurred", event.occurredAt],
    ["received", event.receivedAt],
    ["created", event.createdAt],
    ["generation", event.generation],
    [
      "caused by",
      event.causedBy === undefined ? undefined : `${event.causedBy.eventId} ${event.causedBy.runId}`
    ],
    ["attempts", event.maintenanceAttemptIds.join(", ")],
    [
      "differing duplicates",
      event.differingDuplicates.length === 0 ? undefined : event.differingDuplicates.length
    ],
    ["payload", JSON.stringify(event.payload)]
  ])
  printHeading(session, "Runs")
  session.printRows(runColumns(session), event.runs)
  printHeading(session, "History")
  session.printRows(factColumns, facts)
  return exitCodes.good
}

// --- internal ---

interface ShownFact {
  readonly position: number
  readonly at: string
  readonly type: string
  /** Set for a fact that a newer version wrote. */
  readonly unknown?: true
  readonly data: unknown
}

/** All facts of the event, page by page. */
const readHistory = (eventId: string) =>
  Effect.gen(function* () {
    const store = yield* Store
    const all: Array<Recorded<{ readonly _tag: string }>> = []
    while (true) {
      const afterVersion = all.at(-1)?.version ?? 0
      const page = yield* store.history(Events, eventId, { afterVersion })
      all.push(...page)
      if (page.length < pageSizeMax) return all
    }
  })

const toShown = ({ position, at, fact }: Recorded<{ readonly _tag: string }>): ShownFact => {
  const place = { position, at: toIso(at) }
  if (fact._tag === "UnknownFact" && "type" in fact) {
    return { ...place, type: fact.type, unknown: true, data: "data" in fact ? fact.data : undefined }
  }
  const { _tag: type, ...data } = fact
  return { ...place, type, data }
}

const factColumns: ReadonlyArray<Column<ShownFact>> = [
  { title: "POSITION", of: ({ position }) => String(position) },
  { title: "AT", of: ({ at }) => at },
  { title: "FACT", of: ({ type, unknown }) => (unknown === true ? `${type} (unknown here)` : type) },
  { title: "DATA", of: ({ data }) => JSON.stringify(data) ?? "", shrinks: true }
]
