/**
 * `@patchmoi/sdk/cascade`: one published version into many downstream repositories.
 *
 *     const plan = await cascade.plan({ config: "cascade.toml", version: "1.4.2" })
 *     const report = await cascade.apply(plan)
 *
 * `cascadeVersion` does it as a flow's step. Products that are Effect themselves use `planCascade` and `applyCascade` over
 * `layerCascade`.
 */
export { type ApplyOptions, applyCascade } from "@patchmoi/git/cascade/apply"
export type {
  CascadeConfig,
  CascadeMode,
  CascadeTarget,
  ForgeKind
} from "@patchmoi/git/cascade/CascadeConfig"
export { type CascadePlan, type PlanEntry, planToJson } from "@patchmoi/git/cascade/CascadePlan"
export {
  type CascadeReport,
  reportToJson,
  summaryOf,
  type TargetOutcome
} from "@patchmoi/git/cascade/CascadeReport"
export {
  CascadeVersion,
  compareVersions,
  InvalidVersion,
  parseVersion
} from "@patchmoi/git/cascade/CascadeVersion"
export {
  doctorCascade,
  isHealthy,
  type TargetDiagnosis,
  type TargetIssue
} from "@patchmoi/git/cascade/doctor"
export { type PlanOptions, planCascade } from "@patchmoi/git/cascade/plan"
export {
  type BuildInputs,
  type ResolvedVersion,
  resolveVersion,
  VersionUnusable
} from "@patchmoi/git/cascade/ResolveVersion"
export { CascadeConfigInvalid, loadCascadeConfig, parseCascadeConfig } from "@patchmoi/git/cascade/readConfig"
export {
  driftOf,
  parseTargetList,
  type TargetDrift,
  TargetListInvalid
} from "@patchmoi/git/cascade/TargetList"
export { beginRecord, type CascadeRecorder, readWritten } from "./cascade/CascadeRecord.ts"
export { type CascadeVersionOptions, cascadeVersion } from "./cascade/cascadeVersion.ts"
export {
  type CascadeApplyOptions,
  type CascadeCallOptions,
  type CascadePlanOptions,
  cascade
} from "./cascade/facade.ts"
export { type CascadeServices, type LayerCascadeOptions, layerCascade } from "./cascade/layerCascade.ts"
