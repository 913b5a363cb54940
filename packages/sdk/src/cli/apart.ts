/**
 * The commands, and parts of them, that load much which the others never need: the server, feeds, git, the care of a log. The packaged command
 * line has them in a file of their own (`scripts/build/commandLine.ts`), because every start pays for the size of what it
 * reads. Nothing else may be imported from here, or it would be packaged twice.
 */

/** The code of each, loaded when it is asked for. */
export const apart = {
  attemptSync: () => import("./attempt/sync.ts"),
  cascadeApply: () => import("./cascade/apply.ts"),
  cascadeCheck: () => import("./cascade/check.ts"),
  cascadeDoctor: () => import("./cascade/doctor.ts"),
  cascadePlan: () => import("./cascade/plan.ts"),
  cascadeResolveVersion: () => import("./cascade/resolveVersion.ts"),
  cascadeStatus: () => import("./cascade/status.ts"),
  logCompact: () => import("./log/compact.ts"),
  logExport: () => import("./log/export.ts"),
  logImport: () => import("./log/import.ts"),
  logRebuild: () => import("./log/rebuild.ts"),
  logRepair: () => import("./log/repair.ts"),
  logVerify: () => import("./log/verify.ts"),
  patchCapture: () => import("./patch/capture.ts"),
  patchCheck: () => import("./patch/check.ts"),
  patchCost: () => import("./patch/cost.ts"),
  patchDiff: () => import("./patch/diff.ts"),
  patchAbort: () => import("./patch/abort.ts"),
  patchContinue: () => import("./patch/continue.ts"),
  patchDoctor: () => import("./patch/doctor.ts"),
  patchDrop: () => import("./patch/drop.ts"),
  patchForecast: () => import("./patch/forecast.ts"),
  patchList: () => import("./patch/list.ts"),
  patchPublish: () => import("./patch/publish.ts"),
  patchRebuild: () => import("./patch/rebuild.ts"),
  patchReorder: () => import("./patch/reorder.ts"),
  patchShow: () => import("./patch/show.ts"),
  patchSplit: () => import("./patch/split.ts"),
  patchVerify: () => import("./patch/verify.ts"),
  patchResolve: () => import("./patch/resolve.ts"),
  resolutionDelete: () => import("./patch/resolution/delete.ts"),
  resolutionExport: () => import("./patch/resolution/export.ts"),
  resolutionImport: () => import("./patch/resolution/import.ts"),
  resolutionList: () => import("./patch/resolution/list.ts"),
  resolutionPull: () => import("./patch/resolution/pull.ts"),
  resolutionPush: () => import("./patch/resolution/push.ts"),
  sourceSecrets: () => import("./sourceSecrets.ts"),
  serve: () => import("./serve/serve.ts"),
  tokenCreate: () => import("./serve/tokenCreate.ts"),
  tokenList: () => import("./serve/tokenList.ts"),
  tokenRevoke: () => import("./serve/tokenRevoke.ts"),
  watch: () => import("./watch/watch.ts")
}
