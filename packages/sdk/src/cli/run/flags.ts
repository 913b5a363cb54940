/** What the commands of `patchmoi run` take. Apart from their declaration, so that the code of a command need not know the tree. */
import type { runStatuses } from "../options.ts"
import type { PageFlags, RecordFlags } from "../Session.ts"

export interface RunListFlags extends RecordFlags, PageFlags {
  readonly status?: (typeof runStatuses)[number]
  readonly eventId?: string
  readonly flow?: string
  readonly needsAttention?: boolean
}

export interface RunShowFlags extends RecordFlags {
  readonly output?: boolean
}

export interface RunCancelFlags extends RecordFlags {
  readonly reason?: string
}
