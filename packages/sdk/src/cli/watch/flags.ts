/** What `patchmoi watch` takes, and what it makes of it. */
import type { RecordFlags } from "../Session.ts"

export interface WatchFlags extends RecordFlags {
  readonly sources?: string
  readonly follow?: boolean
}

/** What both ways of watching need to know. */
export interface WatchPlaces {
  /** Absolute. */
  readonly sourcesFile: string
  /** Absolute. */
  readonly dataDir: string
}
