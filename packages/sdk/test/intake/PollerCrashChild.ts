/**
 * The process that stops hard: polls one source over a file store, and kills itself when so many signals have been
 * committed; without the number it polls to the end. Arguments: `<folder> <url> [<signals>]`.
 */
import * as fs from "node:fs"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Poller from "../../src/intake/Poller.ts"
import { makeSource } from "./fixtures.ts"
import { layerIntake } from "./PollerFixture.ts"

const [folder = "", url = "", signals = "Infinity"] = process.argv.slice(2)
const source = makeSource({ id: "tool", url, primeOnly: false })

const program = Effect.gen(function* () {
  const poll = yield* Poller.make
  const store = yield* Store
  let left = Number(signals)
  const stopHard = () => process.kill(process.pid, "SIGKILL")
  if (left === 0) stopHard()
  yield* Effect.fork(
    Stream.runForEach(store.changes(yield* store.driver.head), ({ type }) =>
      Effect.sync(() => {
        if (type === "SignalReceived") left -= 1
        if (left === 0) stopHard()
      })
    )
  )
  const report = yield* poll(source)
  fs.writeSync(1, `polled ${report.signals.length}\n`)
})

await Effect.runPromise(Effect.scoped(Effect.provide(program, layerIntake(folder, "file"))))
