import { expect, test } from "bun:test"
import { leaseMillisMin, withDefaults } from "../../src/engine/EngineOptions.ts"

test("what is not said has its default", () => {
  expect(withDefaults({}, "1a")).toEqual({
    workerId: "engine-1a",
    isWorkerDead: undefined,
    concurrency: 4,
    concurrencyPerFlow: Number.POSITIVE_INFINITY,
    queueMax: 10_000,
    claims: "all",
    leaseMillis: 30_000,
    shutdownGraceMillis: 10_000,
    runs: true,
    launchedBy: undefined,
    workspaceBackendUrl: undefined
  })
})

test("what would stop the engine or spin it is raised to the least that works", () => {
  const none = { concurrency: 0, concurrencyPerFlow: -1, leaseMillis: 0, shutdownGraceMillis: -5 }
  expect(withDefaults(none, "")).toMatchObject({
    concurrency: 1,
    concurrencyPerFlow: 1,
    leaseMillis: leaseMillisMin,
    shutdownGraceMillis: 0
  })
  expect(withDefaults({ concurrency: Number.NaN, leaseMillis: Number.NaN }, "")).toMatchObject({
    concurrency: 4,
    leaseMillis: 30_000
  })
})
