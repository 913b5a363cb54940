/**
 * One of two engines on one database: queues its share of the events, runs what it can claim until all of them have ended, and
 * writes one line into the notes when a step begins and one when it ends. It begins when all PEERS are there. The step of the
 * number HANGS_AT never ends.
 */
import { appendFileSync, existsSync, writeFileSync } from "node:fs"
import { Runs } from "@patchmoi/core/run/Runs"
import { encodeSortKey } from "@patchmoi/core/store/SortKey"
import { Store } from "@patchmoi/core/store/Store"
import { ExecutorMemory } from "@patchmoi/core/testing"
import { eventually, startEngine } from "@patchmoi/core/testing/EngineContractParts"
import { singleStepFlow } from "@patchmoi/core/testing/flows"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { layerStore } from "../../src/composeEngine.ts"

const {
  DATA_DIR = "",
  NOTES = "",
  NAME = "",
  SHARE = "0",
  TOTAL = "0",
  HANGS_AT = "0",
  PEERS = NAME
} = process.env

/** How long a step takes, in milliseconds: steps that overlap are seen to. */
const stepMillis = 3

let begun = 0

const takesItsTime = Effect.suspend(() => {
  begun += 1
  return begun === Number(HANGS_AT) ? Effect.never : Effect.sleep(stepMillis)
})

const note = (word: "begin" | "end", eventId: string) =>
  Effect.sync(() => appendFileSync(NOTES, `${word} ${eventId} ${NAME}\n`))

const completed = { view: Runs.name, index: "byStatus", prefix: encodeSortKey(["completed"]) }

const work = Effect.gen(function* () {
  const services = yield* Layer.build(layerStore({ kind: "sqlite", dataDir: DATA_DIR, access: "write" }))
  const store = Context.get(services, Store)
  const { queue } = yield* startEngine(store, {
    flows: [singleStepFlow("keyed", "keyed", { concurrencyKey: "/payload/repo" })],
    steps: {
      "keyed.ts": ({ event }) =>
        note("begin", event.id).pipe(
          Effect.zipRight(takesItsTime),
          Effect.zipRight(note("end", event.id)),
          Effect.as(ExecutorMemory.succeeded({ status: "completed" }))
        )
    },
    options: { concurrency: 4, workerId: NAME, leaseMillis: 1_000 }
  })
  writeFileSync(`${NOTES}.${NAME}`, "")
  const areThere = Effect.sync(() => PEERS.split(" ").every((name) => existsSync(`${NOTES}.${name}`)))
  yield* eventually(areThere, (all) => all)
  for (let n = 0; n < Number(SHARE); n++) yield* queue(`${NAME}-${n}`, "keyed", { repo: "x" })
  yield* eventually(store.driver.count(completed, Number(TOTAL)), (count) => count === Number(TOTAL))
})

await Effect.runPromise(Effect.scoped(work).pipe(Effect.provide(Logger.remove(Logger.defaultLogger))))
