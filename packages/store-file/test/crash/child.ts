/**
 * The process that is stopped hard: opens the store, commits, and prints a line for each acknowledgement.
 * Arguments: `<write|repair|rebuild> <directory> <point>`.
 */
import * as fs from "node:fs"
import * as Effect from "effect/Effect"
import { make } from "../../src/FileStore.ts"
import { rebuild, repair } from "../../src/LogMaintenance.ts"
import { crashOps } from "./crashOps.ts"
import { commitsEach, projections, segmentBytesMax, snapshotFacts, writers } from "./sample.ts"

const [mode, directory = "", point = "0"] = process.argv.slice(2)
const { ops: fileSystem, points } = crashOps(Number(point))
const say = (line: string): void => void fs.writeSync(1, `${line}\n`)

const write = Effect.scoped(
  Effect.gen(function* () {
    const options = { directory, aggregates: [], projections, segmentBytesMax, snapshotFacts, fileSystem }
    const driver = yield* make(options)
    const writer = (name: string) =>
      Effect.gen(function* () {
        const stream = `account/${name}`
        const { version } = yield* driver.load("account", name, stream)
        for (let commit = 0, next = version + 1; commit < commitsEach; commit++) {
          const facts = Array.from({ length: (commit % 3) + 1 }, (_, index) => ({
            stream,
            version: next + index,
            at: process.pid,
            type: "Credited",
            data: JSON.stringify({ amount: next + index, note: "n".repeat(20 * commit) })
          }))
          const position = yield* driver.commit({
            expected: [{ stream, version: next - 1 }],
            facts,
            documents: []
          })
          say(`ack ${position} ${stream} ${next + facts.length - 1} ${process.pid}`)
          next += facts.length
        }
      })
    const names = Array.from({ length: writers }, (_, index) => `w${index}`)
    yield* Effect.forEach(names, writer, { concurrency: "unbounded", discard: true })
  })
)

const work =
  mode === "write"
    ? write
    : mode === "repair"
      ? Effect.asVoid(repair({ directory, fileSystem }))
      : Effect.asVoid(rebuild({ directory, aggregates: [], projections, fileSystem }))

await Effect.runPromise(work)
say(`points ${points()}`)
