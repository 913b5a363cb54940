/** `@patchmoi/sdk/testing`: what patchmoi is tested with, for products that test their own flows, stores and executors on `bun:test`. */

export * as ExecutorMemory from "@patchmoi/core/executor/ExecutorMemory"
export * as Store from "@patchmoi/core/store/Store"
export * from "@patchmoi/core/testing/AggregateSpec"
export * from "@patchmoi/core/testing/ExecutorContract"
export * from "@patchmoi/core/testing/effectTest"
export * from "@patchmoi/core/testing/flows"
export * from "@patchmoi/core/testing/StoreContract"
