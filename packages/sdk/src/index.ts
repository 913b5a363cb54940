/**
 * `import { FlowClient } from "@patchmoi/sdk"`: dispatch events, run flows, read the record. Promises in, plain data out;
 * Effect is loaded when a client is first used. Users of Effect take `@patchmoi/sdk/effect`, authors of steps
 * `@patchmoi/sdk/step`, and tests `@patchmoi/sdk/testing`.
 */

export type { DispatchDocument } from "@patchmoi/core/dispatch/Dispatches"
export type { Explanation } from "@patchmoi/core/engine/Engine"
export type { StepExplanation } from "@patchmoi/core/engine/Match"
export type { RunWake, WakeReport, WakeSource } from "@patchmoi/core/engine/WakeReport"
export type { BrokenFlow, CatalogSnapshot, FlowIssue } from "@patchmoi/core/flow/Flow"
export type { FlowResult } from "@patchmoi/core/flow/FlowResult"
export type { MaintenanceDocument } from "@patchmoi/core/maintenance/MaintenanceDocument"
export type { CandidateRef } from "@patchmoi/core/maintenance/MaintenanceFact"
export type { ApprovalView, AttemptView, OutputView, RunView, WaitingOn } from "@patchmoi/core/run/RunView"
export * from "./client/errors.ts"
export type { CallOptions } from "./client/FlowCalls.ts"
export { createFlowClient, FlowClient } from "./client/FlowClient.ts"
export type { ClientState, FlowClientOptions, LocalClientOptions } from "./client/FlowClientOptions.ts"
export type { Fetch, HeadersOption, HttpClientOptions } from "./client/http/HttpClientOptions.ts"
export type { PollSourcesOptions } from "./client/pollSources.ts"
export type { Change, EventView } from "./client/views.ts"
export type {
  ApproveOptions,
  CancelResult,
  DispatchOptions,
  DispatchPage,
  DispatchResult,
  EventPage,
  ListEventsOptions,
  ListMaintenanceAttemptsOptions,
  ListRunsOptions,
  MaintenanceAttemptPage,
  PageOptions,
  RejectOptions,
  RunPage,
  WaitOptions
} from "./Flow.ts"
export type { PolledSignal, PollReport } from "./intake/Poller.ts"
export type { WatchOptions, WatchReport } from "./intake/WatchService.ts"
