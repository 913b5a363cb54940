/** What `patchmoi watch` takes, and what it makes of it. */
import type { StoreKind } from "../../record/storeKinds.ts"
import type { StoreFlags } from "../Session.ts"

export interface WatchFlags extends StoreFlags {
  readonly sources?: string
  readonly follow?: boolean
}

/** What both ways of watching need to know. */
export interface WatchPlaces {
  /** Absolute. */
  readonly sourcesFile: string
  /** Absolute. */
  readonly dataDir: string
  /** The store that was asked for. */
  readonly store: StoreKind | undefined
}
