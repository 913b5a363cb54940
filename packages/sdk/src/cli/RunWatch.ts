/** What a command knows of the runs that it awaits, from the rows of the log as they come. */
import { Events } from "@patchmoi/core/event/Events"
import type { RunDocument } from "@patchmoi/core/run/RunDocument"
import { hasEnded } from "@patchmoi/core/run/RunEvolve"
import { Runs } from "@patchmoi/core/run/Runs"
import { splitStream } from "@patchmoi/core/store/Aggregate"
import type { LogRow } from "@patchmoi/core/store/Log"
import type { Progress } from "./progress.ts"

/** An event and the runs that it started. */
export interface FollowedEvent {
  readonly eventId: string
  readonly runIds: ReadonlyArray<string>
}

/** The runs that are awaited, and those of their follow-up events. */
export class RunWatch {
  readonly events: Array<FollowedEvent> = []
  /** Runs that have not ended. */
  readonly pending = new Set<string>()
  /** Pending runs that were told to end. */
  readonly told = new Set<string>()
  /** Every run, with the name that people know. */
  readonly #names = new Map<string, string>()
  #ticks = 0

  constructor(readonly progress: Progress) {}

  /** Takes an event in, with its runs as they are now. */
  add({ eventId, runIds }: FollowedEvent, runs: ReadonlyArray<RunDocument>): void {
    this.events.push({ eventId, runIds })
    for (const { id, flowName, stepName, processStatus } of runs) {
      this.#names.set(id, `${flowName}/${stepName}`)
      if (!hasEnded(processStatus)) this.pending.add(id)
    }
  }

  /** Takes a row of the log in; gives the follow-up event that it accepts, if it is one of ours. */
  take(row: LogRow): FollowedEvent | undefined {
    const { name, key } = splitStream(row.stream)
    if (name === Events.name && row.type === "EventAccepted") return this.#followUp(row, key)
    if (name === Runs.name && this.#names.has(key)) this.#takeRun(row, key)
    return undefined
  }

  tick(): void {
    this.#ticks += 1
    if (!this.progress.showsStatus || this.pending.size === 0) return
    const names = [...this.pending].map((runId) => this.#names.get(runId) ?? runId)
    this.progress.status(`${names.length} running (${this.#ticks} s): ${names.join(", ")}`)
  }

  #followUp(row: LogRow, eventId: string): FollowedEvent | undefined {
    // Most events come from outside; the codec is not even compiled for them.
    if (!row.data.includes('"causedBy"')) return undefined
    const fact = Events.decodeFact(row.type, row.data)
    if (fact._tag !== "EventAccepted" || !("causedBy" in fact)) return undefined
    const isOurs = fact.causedBy !== undefined && this.#names.has(fact.causedBy.runId)
    return isOurs ? { eventId, runIds: fact.runIds } : undefined
  }

  #takeRun(row: LogRow, runId: string): void {
    const name = this.#names.get(runId) ?? runId
    if (row.type === "AttemptStarted") this.progress.happened(`${name} started`)
    if (row.type === "RunRetryScheduled") this.progress.happened(`${name} failed and is tried again`)
    // Only this one says something that is not in its name.
    if (row.type !== "RunEnded") return
    const fact = Runs.decodeFact(row.type, row.data)
    if (fact._tag !== "RunEnded") return
    this.pending.delete(runId)
    const said = fact.error ?? fact.result?.message
    const status =
      fact.processStatus === "completed" ? (fact.result?.status ?? "completed") : fact.processStatus
    this.progress.happened(`${name} ${status}${said === undefined ? "" : `: ${said}`}`)
  }
}
