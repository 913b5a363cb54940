/**
 * A process that writes beside others. Arguments: `<file> <name> <rounds> <writers>`: each writer credits the shared
 * account and one of its own. Prints the longest commit in milliseconds, then when each commit was acknowledged.
 */
import { make as makeStore } from "@patchmoi/core/store/Store"
import { accounts, credited, opened } from "@patchmoi/core/testing/StoreContractLedger"
import * as Effect from "effect/Effect"
import { make } from "../../src/SqliteStore.ts"

const [filename = "", name = "", rounds = "0", writers = "1"] = process.argv.slice(2)

const work = Effect.gen(function* () {
  const store = makeStore(yield* make({ filename }))
  let longest = 0
  const writer = (number: number) =>
    Effect.gen(function* () {
      for (let round = 0; round < Number(rounds); round++) {
        const startedAt = performance.now()
        yield* store.transact((unit) =>
          Effect.gen(function* () {
            const own = `${name}-${number}`
            if ((yield* unit.load(accounts, own)) === undefined) {
              yield* unit.execute(accounts, own, [opened(own)])
            }
            yield* unit.execute(accounts, own, [credited(1)])
            yield* unit.execute(accounts, "shared", [credited(1)])
          })
        )
        longest = Math.max(longest, performance.now() - startedAt)
        console.log(`ack ${Date.now()}`)
        if (writers === "1") yield* Effect.sleep("20 millis")
      }
    })
  yield* Effect.forEach(
    Array.from({ length: Number(writers) }, (_, index) => index),
    writer,
    {
      concurrency: "unbounded",
      discard: true
    }
  )
  console.log(`longest ${Math.round(longest)}`)
})

await Effect.runPromise(Effect.scoped(work))
