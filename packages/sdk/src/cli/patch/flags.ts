/** What the commands of `patchmoi patch` take. Apart from their declaration, so that the code of a command need not know the tree. */
import type { CommonFlags, RecordFlags } from "../Session.ts"

export interface PatchRebuildFlags extends CommonFlags {
  readonly onto?: string
  readonly to?: string
  readonly force?: boolean
  readonly dryRun?: boolean
  readonly keepGoing?: boolean
  readonly carryLanded?: boolean
  readonly trailers?: boolean
  readonly event?: string
  readonly reuse?: "never" | "label"
}

export interface PatchResolveFlags extends CommonFlags {
  readonly onto?: string
  readonly to?: string
  readonly force?: boolean
  readonly dir?: string
  readonly carryLanded?: boolean
  readonly reuse?: "never" | "label"
  readonly dryRun?: boolean
}

export interface PatchContinueFlags extends CommonFlags {
  readonly author?: string
  readonly how?: "hand" | "agent" | "tool"
  readonly note?: string
  readonly dryRun?: boolean
}

export interface PatchAbortFlags extends CommonFlags {
  readonly dryRun?: boolean
}

export interface ResolutionRemoteFlags extends CommonFlags {
  readonly remote?: string
}

export interface ResolutionCacheFlags extends CommonFlags {
  readonly author?: string
  readonly dryRun?: boolean
}

export interface PatchDoctorFlags extends CommonFlags {
  readonly sweep?: boolean
}

export interface PatchCheckFlags extends CommonFlags {
  readonly run?: ReadonlyArray<string>
  readonly tree?: ReadonlyArray<string>
  readonly toolchain?: ReadonlyArray<string>
  readonly env?: ReadonlyArray<string>
  readonly noCache?: boolean
  readonly noControl?: boolean
  readonly noSearch?: boolean
}

export interface PatchPublishFlags extends CommonFlags {
  readonly remote?: string
  readonly upstream?: string
  readonly tag?: string
  readonly branch?: string
  readonly noNotes?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly approve?: string
}

export interface PatchForecastFlags extends RecordFlags {
  readonly onto?: string
  readonly history?: boolean
}

export interface PatchDiffFlags extends CommonFlags {
  readonly ontoOld?: string
  readonly ontoNew?: string
}

export interface PatchCaptureFlags extends CommonFlags {
  readonly from: string
  readonly base?: string
  readonly message?: string
  readonly force?: boolean
  readonly dryRun?: boolean
}

export interface PatchSplitFlags extends CommonFlags {
  readonly into?: ReadonlyArray<string>
  readonly commits?: boolean
  readonly dryRun?: boolean
}

export interface PatchReorderFlags extends CommonFlags {
  readonly before?: string
  readonly after?: string
  readonly onto?: string
  readonly force?: boolean
  readonly dryRun?: boolean
}

export interface PatchDropFlags extends CommonFlags {
  readonly reason?: string
  readonly dryRun?: boolean
}

export interface PatchShowFlags extends CommonFlags {
  readonly noDiff?: boolean
}

export interface PatchCostFlags extends CommonFlags {
  readonly sort?: "name" | "age" | "churn" | "rewrites" | "conflicts"
}
