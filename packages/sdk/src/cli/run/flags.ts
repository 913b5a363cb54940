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

export interface RunDecideFlags extends RecordFlags {
  readonly by?: string
  readonly comment?: string
}

export interface RunApproveFlags extends RunDecideFlags {
  readonly choice?: string
}

export interface RunStuckFlags extends RecordFlags {
  readonly all?: boolean
}

export interface RunCancelFlags extends RecordFlags {
  readonly reason?: string
}
