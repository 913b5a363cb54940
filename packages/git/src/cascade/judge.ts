/** What is to be done about a target that was looked at. Pure. */
import type { TargetIntent } from "@patchmoi/core/cascade/CascadeFact"
import { compareVersions } from "./CascadeVersion.ts"
import type { Look } from "./lookAt.ts"

/** What the operator asked for. */
export interface CascadeWishes {
  /** Go back to an older version. (Default: no; a target that holds a newer one is left alone.) */
  readonly allowDowngrade?: boolean
  /** Write over a value that a person set. (Default: no.) */
  readonly overridePins?: boolean
}

/** What is known about the target besides the look. */
export interface JudgeOptions extends CascadeWishes {
  readonly version: string
  /** Whether a cascade is known to have written to this target before. */
  readonly wroteBefore: boolean
  /** The file as it was found earlier in this run, when this is not the first look. */
  readonly seen?: Pick<Look, "entry"> | undefined
}

/** The intent with the reason for it; an empty one where the intent says all. */
export interface Judgement {
  readonly intent: TargetIntent
  readonly reason: string
}

/**
 * Judges, in this order: not active, up to date, pinned, newer, write.
 *
 * A value is pinned when a person set it after a cascade had written there, or in the middle of this run. What a person
 * put there when the repository opted in, before any cascade wrote, is a beginning and not a pin.
 */
export const judge = (look: Look, options: JudgeOptions): Judgement => {
  const { version } = options
  const { changedBy, current } = look
  if (!look.isActive)
    return { intent: "not-active", reason: "it has neither the version file nor the marker" }
  if (current === version) return { intent: "up-to-date", reason: "" }
  if (current === null) return { intent: "write", reason: "the file holds no version yet" }
  const order = compareVersions(version, current)
  const changedMeanwhile = options.seen !== undefined && options.seen.entry !== look.entry
  const isForeign = changedBy !== null && changedBy._tag !== "Cascade"
  const isAfterCascade = options.wroteBefore || (changedBy?._tag === "Person" && changedBy.wroteAfterCascade)
  const isPinned = isForeign && (isAfterCascade || (changedMeanwhile && order !== -1))
  if (isPinned && options.overridePins !== true) {
    const by = changedBy._tag === "Person" ? ` by ${changedBy.name} in ${changedBy.commit.slice(0, 12)}` : ""
    return { intent: "pinned", reason: `${current} was set there${by}; --override-pins writes over it` }
  }
  const over = isPinned ? " over a pinned value" : ""
  if (order === -1) {
    return options.allowDowngrade === true
      ? { intent: "downgrade", reason: `goes back from ${current}${over}` }
      : { intent: "newer", reason: `it holds ${current}, which is newer; --allow-downgrade goes back` }
  }
  return { intent: "write", reason: `from ${current}${over}` }
}
