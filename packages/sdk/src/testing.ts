/** `@patchmoi/sdk/testing`: the testing kit of patchmoi, for products that test their own flows, stores and executors. */
export * from "@patchmoi/core/testing"
export * from "./testing/ClientContract.ts"
