/** Readable files: each fact once, in order, whatever happens to the process, the checkpoint or the files. */
import { expect } from "bun:test"
import * as fs from "node:fs"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { rebuild } from "../src/LogMaintenance.ts"
import { appendEach, type ReadableProjection } from "../src/ReadableProjection.ts"
import { commitOf, eventually, open, segmentsOf, temporaryFolder } from "./support.ts"

const line = (position: number) => JSON.stringify({ position })

const streams = "streams.jsonl"

/** A line for each fact; its stream; how many facts each stream has so far; and the newest position. */
const projections: ReadonlyArray<ReadableProjection> = [
  appendEach("events.jsonl", ({ position }) => [line(position)]),
  appendEach(streams, ({ stream }) => [stream]),
  {
    kind: "append",
    fileName: "counts.jsonl",
    readsFromStart: true,
    begin: () => {
      let count = 0
      return () => {
        count += 1
        return count % 2 === 0 ? [String(count)] : []
      }
    }
  },
  {
    kind: "replace",
    fileName: "state.json",
    begin: () => {
      let last = 0
      return {
        add: ({ position }) => {
          last = position
        },
        content: () => (last === 0 ? undefined : JSON.stringify({ last }))
      }
    }
  }
]

const text = (directory: string, name: string) => {
  const path = `${directory}/${name}`
  return fs.existsSync(path) ? fs.readFileSync(path, "utf8") : ""
}

const expectFiles = (directory: string, head: number): void => {
  const positions = Array.from({ length: head }, (_, index) => index + 1)
  expect(text(directory, "events.jsonl")).toBe(positions.map((position) => `${line(position)}\n`).join(""))
  const even = positions.filter((position) => position % 2 === 0)
  expect(text(directory, "counts.jsonl")).toBe(even.map((count) => `${count}\n`).join(""))
  expect(text(directory, "state.json")).toBe(head === 0 ? "" : JSON.stringify({ last: head }))
}

/** Opens, commits this many facts after those that are there, and closes. */
const session = (directory: string, count: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const driver = yield* open(directory, { projections })
      const { version } = yield* driver.load("account", "a", "account/a")
      for (let index = 1; index <= count; index++) {
        yield* driver.commit(commitOf("account/a", version + index))
      }
      return yield* driver.head
    })
  )

it.live("the files follow while the store is open", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const driver = yield* open(directory, { projections })
    for (let version = 1; version <= 20; version++) {
      yield* driver.commit(commitOf("account/a", version))
      if (version % 7 === 0) {
        yield* eventually(() => text(directory, "state.json") === JSON.stringify({ last: version }))
        expectFiles(directory, version)
      }
    }
  })
)

it.live("closing brings the files up to the last fact, and the next session goes on", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    for (const count of [3, 0, 600, 1]) expectFiles(directory, yield* session(directory, count))
  })
)

it.live("files that are too long, too short, gone or of another log are set right at the next start", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const events = `${directory}/events.jsonl`
    const hurts: ReadonlyArray<() => void> = [
      () => fs.appendFileSync(events, "half a li"),
      () => fs.truncateSync(events, 5),
      () => fs.rmSync(events),
      () => fs.rmSync(`${directory}/state.json`),
      () => fs.rmSync(`${directory}/counts.jsonl`)
    ]
    yield* session(directory, 4)
    for (const hurt of hurts) {
      hurt()
      expectFiles(directory, yield* session(directory, 1))
    }
    // The log loses its end and grows again: the lines of what was cut must go.
    const [segment = ""] = segmentsOf(directory)
    const whole = fs.readFileSync(segment, "utf8").split("\n")
    fs.writeFileSync(segment, `${whole.slice(0, 5).join("\n")}\n`)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const driver = yield* open(directory)
        yield* driver.commit(commitOf("account/b", 1, 10))
      })
    )
    expectFiles(directory, yield* session(directory, 0))
    expect(text(directory, streams)).toBe("account/a\n".repeat(5) + "account/b\n".repeat(10))
  })
)

it.live("a file that someone changes while the store is open is made anew", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const driver = yield* open(directory, { projections })
    yield* driver.commit(commitOf("account/a", 1, 3))
    yield* eventually(() => text(directory, "state.json") === JSON.stringify({ last: 3 }))
    fs.rmSync(`${directory}/events.jsonl`)
    yield* driver.commit(commitOf("account/a", 4))
    yield* eventually(() => text(directory, "state.json") === JSON.stringify({ last: 4 }))
    expectFiles(directory, 4)
  })
)

it.live("a file from before the store is kept beside the new one", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    fs.writeFileSync(`${directory}/events.jsonl`, "of a predecessor\n")
    fs.writeFileSync(`${directory}/state.json`, '{"old":true}')
    yield* session(directory, 0)
    expect(text(directory, "state.json")).toBe('{"old":true}')
    expectFiles(directory, yield* session(directory, 3))
    expect(text(directory, "events.jsonl.before-patchmoi")).toBe("of a predecessor\n")
    expect(text(directory, "state.json.before-patchmoi")).toBe('{"old":true}')
  })
)

it.live("rebuild makes the files anew, and a file that is new to the store is filled from the start", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* session(directory, 5)
    fs.writeFileSync(`${directory}/events.jsonl`, "nonsense")
    fs.writeFileSync(`${directory}/state.json`, "nonsense")
    expect(yield* rebuild({ directory, aggregates: [], projections })).toBe(5)
    expectFiles(directory, 5)
    const added = appendEach("added.jsonl", ({ version }) => [String(version)])
    yield* Effect.scoped(open(directory, { projections: [...projections, added] }))
    expect(text(directory, "added.jsonl")).toBe("1\n2\n3\n4\n5\n")
    expectFiles(directory, 5)
  })
)
