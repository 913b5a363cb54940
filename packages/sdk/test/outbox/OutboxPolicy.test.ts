import { expect, test } from "bun:test"
import { BackendBusy, BackendRefused, BackendUnreachable } from "../../src/client/http/HttpErrors.ts"
import { failedTryOf, policyDefaults, retryAfterMillisMax, waitAfter } from "../../src/outbox/OutboxPolicy.ts"

test("waits double up to the longest one, between a half and the whole of it", () => {
  const waits = (random: number) =>
    [1, 2, 3, 9, 10, 5_000].map((failedTries) => waitAfter(policyDefaults, failedTries, random))
  expect(waits(1)).toEqual([1_000, 2_000, 4_000, 256_000, 300_000, 300_000])
  expect(waits(0)).toEqual([500, 1_000, 2_000, 128_000, 150_000, 150_000])
})

test("a backend that asks to wait is waited for, an hour at most, and no shorter than without its word", () => {
  expect(waitAfter(policyDefaults, 1, 0, 30_000)).toBe(30_000)
  expect(waitAfter(policyDefaults, 9, 1, 30_000)).toBe(256_000)
  expect(waitAfter(policyDefaults, 1, 0, 10 * retryAfterMillisMax)).toBe(retryAfterMillisMax)
})

test("a try that failed says whether the same request is refused again, and how long the backend asks to wait", () => {
  const failed = (status: number) => failedTryOf(new BackendRefused({ status, code: "Any", reason: "so" }))
  for (const status of [400, 405, 413, 415, 422]) expect(failed(status)).toMatchObject({ isFinal: true })
  for (const status of [401, 403, 404, 500, 503]) {
    expect(failed(status)).toMatchObject({ httpStatus: status, isFinal: false })
  }
  const busy = { status: 429, code: "Any", reason: "so" }
  expect(failedTryOf(new BackendBusy({ ...busy, retryAfterMillis: 7_000 })).retryAfterMillis).toBe(7_000)
  expect(failedTryOf(new BackendBusy(busy))).not.toHaveProperty("retryAfterMillis")
  const away = failedTryOf(
    new BackendUnreachable({ baseUrl: "http://127.0.0.1:1", reason: "refused", attempts: 1 })
  )
  expect(away.isFinal).toBe(false)
  expect(away).not.toHaveProperty("httpStatus")
})
