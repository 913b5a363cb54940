/** Cascades for code that speaks promises. */
import { applyCascade } from "@patchmoi/git/cascade/apply"
import type { CascadeConfig } from "@patchmoi/git/cascade/CascadeConfig"
import type { CascadePlan, PlanEntry } from "@patchmoi/git/cascade/CascadePlan"
import type { CascadeReport, TargetOutcome } from "@patchmoi/git/cascade/CascadeReport"
import { parseVersion } from "@patchmoi/git/cascade/CascadeVersion"
import { doctorCascade, type TargetDiagnosis } from "@patchmoi/git/cascade/doctor"
import { planCascade } from "@patchmoi/git/cascade/plan"
import { loadCascadeConfig } from "@patchmoi/git/cascade/readConfig"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { type CascadeServices, type LayerCascadeOptions, withCascade } from "./layerCascade.ts"

/** What every call may be told. */
export interface CascadeCallOptions extends LayerCascadeOptions {
  /** Aborting it ends what is under way and rejects the promise. What was pushed stays pushed. */
  readonly signal?: AbortSignal
}

/** What to plan. */
export interface CascadePlanOptions extends CascadeCallOptions {
  /** The path of `cascade.toml`, or what it means. */
  readonly config: string | CascadeConfig
  /** The version to write. */
  readonly version: string
  /** Go back where a target holds a newer version. (Default: false; it is left alone.) */
  readonly allowDowngrade?: boolean
  /** Write over values that a person set. (Default: false.) */
  readonly overridePins?: boolean
  /** Plan from the memory without asking, where a branch is configured; a stale memory is noticed when it is applied. (Default: false.) */
  readonly trustMemory?: boolean
  /** Told of each target once it was looked at. */
  readonly onTarget?: (entry: PlanEntry) => void
}

/** How to apply. */
export interface CascadeApplyOptions extends CascadeCallOptions {
  /** Told of each target once it is settled. */
  readonly onOutcome?: (outcome: TargetOutcome) => void
}

/** Plans, applies and examines cascades on this machine. */
export const cascade = {
  /**
   * Looks at every target and says what would be done; writes nothing. A target that cannot be read is part of the plan.
   *
   * @throws {CascadeConfigInvalid} the file cannot be used; every problem has file, line and key.
   * @throws {InvalidVersion} the version is none.
   * @throws {GitUnusable} there is no git on this machine that can be used.
   */
  plan: (options: CascadePlanOptions): Promise<CascadePlan> => runCall(planning(options), options),

  /**
   * Carries out a plan. What goes wrong with a target is in the report and stops no other one; the same plan, or the same
   * version again, touches only what was not reached, and what is dispatched to: nothing there tells of a dispatch.
   *
   * @throws {GitUnusable} there is no git on this machine that can be used.
   */
  apply: (plan: CascadePlan, options: CascadeApplyOptions = {}): Promise<CascadeReport> =>
    runCall(
      applyCascade(plan, {
        onOutcome: (outcome) => Effect.sync(() => options.onOutcome?.(outcome))
      }),
      options
    ),

  /**
   * Checks every target before the first real run; writes nothing.
   *
   * @throws {CascadeConfigInvalid} the file cannot be used.
   * @throws {GitUnusable} there is no git on this machine that can be used.
   */
  doctor: (
    options: Pick<CascadePlanOptions, "config"> & CascadeCallOptions
  ): Promise<ReadonlyArray<TargetDiagnosis>> =>
    runCall(
      Effect.flatMap(configOf(options.config), (config) => doctorCascade(config)),
      options
    )
} as const

// --- internal ---

const configOf = (given: string | CascadeConfig) =>
  typeof given === "string" ? loadCascadeConfig(given) : Effect.succeed(given)

const planning = (options: CascadePlanOptions) =>
  Effect.gen(function* () {
    const version = yield* parseVersion(options.version)
    const config = yield* configOf(options.config)
    return yield* planCascade({
      config,
      version,
      allowDowngrade: options.allowDowngrade === true,
      overridePins: options.overridePins === true,
      trustMemory: options.trustMemory === true,
      onTarget: (entry) => Effect.sync(() => options.onTarget?.(entry))
    })
  })

const runCall = async <A, E>(
  effect: Effect.Effect<A, E, CascadeServices>,
  options: CascadeCallOptions
): Promise<A> => {
  const exit = await Effect.runPromiseExit(
    withCascade(options, effect),
    options.signal === undefined ? {} : { signal: options.signal }
  )
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}
