/**
 * `@patchmoi/core/testing`: what patchmoi is tested with, on `bun:test`. Tests as Effects under a test clock, given/when/then
 * and laws for aggregates, the contract suites of stores and executors, and the in-memory parts with their fault knobs.
 */
export * as ExecutorMemory from "./executor/ExecutorMemory.ts"
export * as FlowCatalog from "./flow/FlowCatalog.ts"
export * as DriverMemory from "./store/DriverMemory.ts"
export * as Store from "./store/Store.ts"
export * from "./testing/AggregateLaws.ts"
export * from "./testing/AggregateSpec.ts"
export * from "./testing/ClockSteps.ts"
export * as DriverFaulty from "./testing/DriverFaulty.ts"
export * from "./testing/EngineContract.ts"
export * from "./testing/ExecutorContract.ts"
export * from "./testing/effectTest.ts"
export * from "./testing/flows.ts"
export * from "./testing/StoreContract.ts"
