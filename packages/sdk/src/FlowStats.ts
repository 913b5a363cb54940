/** How much there is of what, for an operator and for metrics. */
import { ProcessStatus } from "@patchmoi/core/flow/FlowResult"
import { Runs } from "@patchmoi/core/run/Runs"
import type { StoreError } from "@patchmoi/core/store/Log"
import { encodeSortKey } from "@patchmoi/core/store/SortKey"
import type { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"

/** Up to which number runs of one status are counted; there may be more. */
export const runCountMax = 1_000_000

/** What `flow.stats` gives and `GET /metrics` tells, counted when it was asked for. */
export interface FlowStats {
  /** The kind of the store: `memory`, `file`, `sqlite`. */
  readonly backend: string
  /** The position of the last change. */
  readonly position: number
  /** Runs by what became of their process; at most {@link runCountMax} of each. */
  readonly runs: Readonly<Record<ProcessStatus, number>>
}

/** Counts in the indexes of the store. */
export const countAll = (store: typeof Store.Service): Effect.Effect<FlowStats, StoreError> =>
  Effect.gen(function* () {
    const { driver } = store
    const position = yield* driver.head
    const runs = { queued: 0, running: 0, completed: 0, failed: 0, canceled: 0 }
    for (const status of ProcessStatus.literals) {
      const query = { view: Runs.name, index: "byStatus", prefix: encodeSortKey([status]) }
      runs[status] = yield* driver.count(query, runCountMax)
    }
    return { backend: driver.kind, position, runs }
  })
