/**
 * `@patchmoi/sdk/git`: git for flows and products. `maintainFork` carries a fork's patches over a movement of upstream;
 * the rest is what it is made of, for flows that do it another way.
 *
 *     const result = await maintainFork({ workspace: ".", movement: { kind: "release", repo: "acme/tool", tag: "v2" } })
 */
export * from "@patchmoi/git"
export { conflictLengthMax } from "./maintain/fitConflict.ts"
export { MaintainConfig, MaintainConfigInvalid } from "./maintain/MaintainConfig.ts"
export type { BranchMovement, ReleaseMovement, UpstreamMovement } from "./maintain/Movement.ts"
export { type MaintainForkOptions, maintain, maintainFork } from "./maintain/maintainFork.ts"
export { NotReady } from "./maintain/NotReady.ts"
export type { Publication } from "./maintain/Publish.ts"
