/** What the commands of `patchmoi log` take beyond the options of others. */
import type { RecordFlags } from "../Session.ts"

export interface ExportFlags extends RecordFlags {
  readonly out?: string
}

export interface CompactFlags extends RecordFlags {
  readonly before: string
}
