/** What the commands of `patchmoi event` take. Apart from their declaration, so that the code of a command need not know the tree. */
import type { PageFlags, RecordFlags } from "../Session.ts"

export interface EventListFlags extends RecordFlags, PageFlags {
  readonly type?: string
}
