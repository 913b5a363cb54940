/** A plan: what would be done about each target, found out by asking and not by doing. */
import type { TargetIntent } from "@patchmoi/core/cascade/CascadeFact"
import type { CascadeConfig, CascadeTarget } from "./CascadeConfig.ts"
import type { CascadeVersion } from "./CascadeVersion.ts"
import type { CascadeWishes } from "./judge.ts"
import type { Look } from "./lookAt.ts"

/** One target of a plan. */
export interface PlanEntry {
  readonly target: CascadeTarget
  readonly intent: TargetIntent
  readonly how: "push" | "dispatch"
  /** The version in the file; `null` when there is none or it is not known. */
  readonly current: string | null
  /** The code of the error that made it `unreachable`, or why it is not active; `null` otherwise. */
  readonly code: string | null
  /** Why, for people; an empty text where the intent says all. */
  readonly reason: string
  /** What the operator does next; an empty text where there is nothing to do. */
  readonly next: string
  /** What was found, so that it need not be asked again; `null` where it was not kept. */
  readonly look: Look | null
}

/** What would be done about each target, in the order of the configuration. */
export interface CascadePlan {
  readonly config: CascadeConfig
  readonly version: CascadeVersion
  readonly wishes: CascadeWishes
  /** What a cascade last told each target, by the target's id, as far as it is recorded. */
  readonly written: WrittenBefore
  readonly entries: ReadonlyArray<PlanEntry>
}

/** What a cascade last told each target, by the target's id. */
export type WrittenBefore = ReadonlyMap<
  string,
  { readonly version: string; readonly how: "push" | "dispatch" }
>

/** A plan as programs read it, without credentials. */
export const planToJson = ({ config, entries, version, wishes }: CascadePlan) => ({
  name: config.name,
  version,
  file: config.file,
  allowDowngrade: wishes.allowDowngrade === true,
  overridePins: wishes.overridePins === true,
  targets: entries.map(({ code, current, how, intent, look, next, reason, target }) => ({
    target: target.id,
    intent,
    how,
    branch: look?.branch ?? target.branch,
    head: look?.view.commit ?? null,
    current,
    code,
    reason,
    next
  }))
})
