/** Tells each step of the main job as it is committed to the record: a client that watches, like any other. */
import { type Change, ClientClosed, type FlowClient } from "@patchmoi/sdk"
import { tell } from "./narrator.ts"

/** The telling, while it goes on. */
export interface Narration {
  /** Returns once everything up to the end of this maintenance attempt's runs has been told. */
  readonly untilConcluded: (runIds: ReadonlyArray<string>) => Promise<void>
  /** Stops telling. */
  readonly stop: () => void
}

/** Begins to tell what the client's record takes in from here on. */
export const narrate = (client: FlowClient): Narration => {
  const concluded = new Set<string>()
  const waiting = new Set<() => void>()
  const changes = client.watch()
  const telling = (async () => {
    for await (const change of changes) {
      const line = lineOf(change)
      if (line !== undefined) tell(line)
      if (change.type === "MaintenanceRunEnded") concluded.add(text(change, "runId"))
      for (const look of waiting) look()
    }
  })()
  // The telling ends with the client; why it closed is told elsewhere.
  telling.catch((error: unknown) => {
    if (!(error instanceof ClientClosed)) throw error
  })
  return {
    untilConcluded: (runIds) =>
      new Promise((resolve) => {
        const look = () => {
          if (!runIds.every((runId) => concluded.has(runId))) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
    stop: () => void changes.return?.()
  }
}

// --- internal ---

const fields = ({ data }: Change): Readonly<Record<string, unknown>> =>
  typeof data === "object" && data !== null ? { ...data } : {}

const text = (change: Change, name: string): string => String(fields(change)[name] ?? "")

const lineOf = (change: Change): string | undefined => {
  switch (change.type) {
    case "SourcePrimed": {
      const { entryIds } = fields(change)
      return `source    ${change.id} is primed: ${Array.isArray(entryIds) ? entryIds.length : 0} entries were there before us`
    }
    case "RunQueued":
      return `run       ${text(change, "flowName")}/${text(change, "stepName")} is queued for ${text(change, "eventId")}`
    case "AttemptStarted":
      return `attempt   ${text(change, "attemptNumber")} is leased by ${text(change, "workerId")}`
    case "RunEnded":
      return `run       ended: ${text(change, "processStatus")}`
    case "MaintenanceRunEnded":
      return `attempt   concluded: ${text(change, "status")}`
    case "EventReplayed":
      return `event     ${change.id} is replayed, generation ${text(change, "generation")}`
    default:
      return undefined
  }
}
