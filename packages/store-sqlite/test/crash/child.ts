/**
 * The process that is stopped hard: opens the store, commits, and prints a line for each acknowledgement. Arguments:
 * `<file> <point>`: stops itself before or after the statement that is this point; 0 never stops.
 */
import * as fs from "node:fs"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { accounts, credited, opened, statusChanged } from "@patchmoi/core/testing/StoreContractLedger"
import * as Effect from "effect/Effect"
import { make } from "../../src/SqliteStore.ts"
import { stopAt } from "./stopAt.ts"

/** Writers that commit at the same time, and commits of each in one run. */
const writers = 4
const commitsEach = 12

const [filename = "", target = "0"] = process.argv.slice(2)
const say = (line: string): void => void fs.writeSync(1, `${line}\n`)
const { point, points } = stopAt(Number(target))

const write = Effect.gen(function* () {
  const store = makeStore(yield* make({ filename, point }))
  say("opened")
  const writer = (key: string) =>
    Effect.gen(function* () {
      for (let commit = 0; commit < commitsEach; commit++) {
        const { document } = yield* store.transact((unit) =>
          Effect.gen(function* () {
            if ((yield* unit.load(accounts, key)) === undefined) {
              yield* unit.execute(accounts, key, [opened(key)])
            }
            unit.putLease(key, { token: `t${commit}`, workerId: String(process.pid), expiresAt: commit })
            return yield* unit.execute(accounts, key, [
              credited(1, "n".repeat(100 * commit)),
              statusChanged(`s${commit}`)
            ])
          })
        )
        say(`ack ${key} ${document?.balance}`)
      }
    })
  yield* Effect.forEach(
    Array.from({ length: writers }, (_, index) => `w${index}`),
    writer,
    {
      concurrency: "unbounded",
      discard: true
    }
  )
})

await Effect.runPromise(Effect.scoped(write))
say(`points ${points()}`)
