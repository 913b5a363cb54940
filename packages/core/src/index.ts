/**
 * The pure heart of patchmoi: facts, the views folded from them, the ports, and the engine over the ports. It knows no disk,
 * no process and no network, and runs wherever `effect` runs.
 *
 * How to read the house: one aggregate from fact to view first (`RunFact` → `Runs` → `RunEvolve` → `RunDocument` → `RunView`),
 * then what a store promises (`Log`, `Driver`, `Store`), then the engine from the outside in (`Engine`, `Dispatcher`,
 * `Reactions`, `Scheduler`, `Attempt`). The words are in docs/concepts/glossary.md.
 *
 * This file is the table of contents. Programs import the module that they need (`@patchmoi/core/engine/Engine`): this door
 * loads every room. The testing kit has doors of its own (`@patchmoi/core/testing/…`), because it needs `bun:test`.
 */

// What everything is called, and the list of aggregates that a store rebuilds its views with.

export * as Aggregates from "./Aggregates.ts"
export * as Ids from "./Ids.ts"
export * as Time from "./Time.ts"

// Events: what can happen to one (`EventFact`), what it is then (`EventDocument`), what may be asked of it (`Events`).

export * as EventDocument from "./event/EventDocument.ts"
export * as EventFact from "./event/EventFact.ts"
export * as Events from "./event/Events.ts"
export * as FlowEvent from "./event/FlowEvent.ts"
export * as NormalizeEvent from "./event/normalizeEvent.ts"

// Runs, with what the outside sees of one (`RunView`).

export * as Approval from "./run/Approval.ts"
export * as LateWrite from "./run/LateWrite.ts"
export * as Lane from "./run/lane.ts"
export * as RunCommand from "./run/RunCommand.ts"
export * as RunDocument from "./run/RunDocument.ts"
export * as RunEvolve from "./run/RunEvolve.ts"
export * as RunFact from "./run/RunFact.ts"
export * as Runs from "./run/Runs.ts"
export * as RunView from "./run/RunView.ts"

// Maintenance attempts, dispatches, watched sources and limits.

export * as Dispatches from "./dispatch/Dispatches.ts"
export * as Limits from "./limit/Limits.ts"
export * as CandidateRefs from "./maintenance/candidateRefs.ts"
export * as MaintenanceAttempts from "./maintenance/MaintenanceAttempts.ts"
export * as MaintenanceDocument from "./maintenance/MaintenanceDocument.ts"
export * as MaintenanceFact from "./maintenance/MaintenanceFact.ts"
export * as PatchStackDocument from "./patchStack/PatchStackDocument.ts"
export * as PatchStackFact from "./patchStack/PatchStackFact.ts"
export * as PatchStacks from "./patchStack/PatchStacks.ts"
export * as PatchStackArtifacts from "./patchStack/patchStackArtifacts.ts"
export * as Sources from "./source/Sources.ts"

// Cascades: one version on its way into many repositories.

export * as CascadeDocument from "./cascade/CascadeDocument.ts"
export * as CascadeFact from "./cascade/CascadeFact.ts"
export * as Cascades from "./cascade/Cascades.ts"
export * as CascadeArtifact from "./cascade/cascadeArtifact.ts"

// The engine: events in, runs through, views out.

export * as Attempt from "./engine/Attempt.ts"
export * as AttemptOutcomes from "./engine/AttemptOutcomes.ts"
export * as AttemptWrites from "./engine/AttemptWrites.ts"
export * as Backpressure from "./engine/Backpressure.ts"
export * as Claim from "./engine/Claim.ts"
export * as Dispatcher from "./engine/Dispatcher.ts"
export * as Engine from "./engine/Engine.ts"
export * as EngineOptions from "./engine/EngineOptions.ts"
export * as FollowUps from "./engine/FollowUps.ts"
export * as Generation from "./engine/Generation.ts"
export * as Match from "./engine/Match.ts"
export * as OutputWriter from "./engine/OutputWriter.ts"
export * as Reactions from "./engine/Reactions.ts"
export * as Recovery from "./engine/Recovery.ts"
export * as RunQueue from "./engine/RunQueue.ts"
export * as Scheduler from "./engine/Scheduler.ts"
export * as WakeReport from "./engine/WakeReport.ts"
export * as WakeSources from "./engine/WakeSources.ts"

// The port that executes attempts, and what a step prints as its result.

export * as Executor from "./executor/Executor.ts"
export * as ExecutorMemory from "./executor/ExecutorMemory.ts"
export * as FlowResultLine from "./executor/FlowResultLine.ts"

// Flows as the engine sees them, and the JSON Schemas of their triggers.

export * as Flow from "./flow/Flow.ts"
export * as FlowCatalog from "./flow/FlowCatalog.ts"
export * as FlowResult from "./flow/FlowResult.ts"
export * as JsonSchema from "./flow/JsonSchema.ts"

// The store: the log, the documents folded from it, and the port that a driver implements.

export * as Aggregate from "./store/Aggregate.ts"
export * as Cursor from "./store/Cursor.ts"
export * as Driver from "./store/Driver.ts"
export * as DriverMemory from "./store/DriverMemory.ts"
export * as Head from "./store/Head.ts"
export * as Log from "./store/Log.ts"
export * as MemoryTables from "./store/MemoryTables.ts"
export * as Projector from "./store/Projector.ts"
export * as SortKey from "./store/SortKey.ts"
export * as Store from "./store/Store.ts"
export * as Transfer from "./store/Transfer.ts"
export * as UnitOfWork from "./store/UnitOfWork.ts"
export * as Upcasters from "./store/Upcasters.ts"
