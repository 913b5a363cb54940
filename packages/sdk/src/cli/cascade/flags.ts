/** What the commands of `patchmoi cascade` take. Apart from their declaration, so that the code of a command need not know the tree. */
import type { CommonFlags, PageFlags, RecordFlags } from "../Session.ts"

/** The configuration of a cascade. */
export interface CascadeConfigFlags extends CommonFlags {
  readonly config?: string
}

export interface CascadePlanFlags extends CascadeConfigFlags, RecordFlags {
  readonly allowDowngrade?: boolean
  readonly overridePins?: boolean
}

export interface CascadeApplyFlags extends CascadePlanFlags {
  readonly noRecord?: boolean
}

export interface CascadeStatusFlags extends RecordFlags, PageFlags {}

export interface CascadeCheckFlags extends CascadeConfigFlags {
  readonly against: string
}

export interface ResolveVersionFlags extends CommonFlags {
  readonly file?: string
}
