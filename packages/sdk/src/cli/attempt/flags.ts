/** What the commands of `patchmoi attempt` take. Apart from their declaration, so that the code of a command need not know the tree. */
import type { attemptStatuses } from "../options.ts"
import type { PageFlags, RecordFlags } from "../Session.ts"

export interface AttemptListFlags extends RecordFlags, PageFlags {
  readonly status?: (typeof attemptStatuses)[number]
  readonly eventId?: string
}
