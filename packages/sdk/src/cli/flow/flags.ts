/** What the commands of `patchmoi flow` take. Apart from their declaration, so that the code of a command need not know the tree. */
import type { CommonFlags, StoreFlags } from "../Session.ts"

/** Options of the commands that read an event from a file. */
export interface EventFlags {
  readonly event: string
}

export interface FireFlags extends StoreFlags, EventFlags {}

export interface ExplainFlags extends CommonFlags, EventFlags {}

export interface RunStepFlags extends CommonFlags, EventFlags {
  readonly runId?: string
  readonly attemptId?: string
  readonly replay?: boolean
  readonly workspaceBackendUrl?: string
}
