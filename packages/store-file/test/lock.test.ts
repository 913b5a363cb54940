import { expect } from "bun:test"
import * as fs from "node:fs"
import * as os from "node:os"
import { it } from "@patchmoi/core/testing/effectTest"
import { storeContractAggregates } from "@patchmoi/core/testing/StoreContract"
import * as Effect from "effect/Effect"
import { make } from "../src/FileStore.ts"
import type { LockOwner } from "../src/FileStoreErrors.ts"
import { fileOps } from "../src/internal/fileOps.ts"
import { takeLock } from "../src/internal/lockFile.ts"
import { thisProcess } from "../src/internal/processIdentity.ts"
import { rebuild, repair } from "../src/LogMaintenance.ts"
import { commitOf, open, temporaryFolder } from "./support.ts"

const tryOpen = (directory: string) => Effect.scoped(make({ directory, aggregates: storeContractAggregates }))

/** Leaves a lock as an owner would that is gone or elsewhere. */
const leaveLock = (directory: string, owner: Partial<LockOwner>): LockOwner => {
  const left = { ...thisProcess(1_760_000_000_000), ...owner }
  fs.mkdirSync(`${directory}/lock`, { recursive: true })
  fs.writeFileSync(`${directory}/lock/0000000000000003.json`, JSON.stringify(left))
  return left
}

it.live("a second writer, a repair and a rebuild are told who has the store and what to do", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* Effect.scoped(
      Effect.gen(function* () {
        yield* open(directory)
        const errors = [
          yield* Effect.flip(tryOpen(directory)),
          yield* Effect.flip(repair({ directory })),
          yield* Effect.flip(rebuild({ directory, aggregates: [], projections: [] }))
        ]
        for (const error of errors) {
          expect(error).toMatchObject({
            _tag: "StoreLocked",
            owner: { pid: process.pid, host: os.hostname() }
          })
          expect(error.message).toContain(`process ${process.pid} on ${os.hostname()}`)
        }
      })
    )
    yield* tryOpen(directory)
  })
)

it.live("an owner that is gone is taken over, and named in the report", () =>
  Effect.gen(function* () {
    const gone: ReadonlyArray<Partial<LockOwner>> = [
      { pid: 2 ** 22 + 1 },
      { startTicks: (thisProcess(0).startTicks ?? 0) + 1 },
      { bootId: "another boot" }
    ]
    for (const owner of gone) {
      const directory = yield* temporaryFolder
      const left = leaveLock(directory, owner)
      expect((yield* tryOpen(directory)).report.tookOver).toEqual(left)
      expect((yield* tryOpen(directory)).report.tookOver).toBeUndefined()
    }
  })
)

it.live("a live process with another number and an owner on another machine are not taken over", () =>
  Effect.gen(function* () {
    const sleeper = yield* Effect.acquireRelease(
      Effect.sync(() => Bun.spawn(["sleep", "60"])),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    )
    const { startTicks: _, ...withoutStart } = thisProcess(0)
    for (const owner of [{ host: "elsewhere.example", pid: 1 }, { pid: sleeper.pid }]) {
      const directory = yield* temporaryFolder
      const left = leaveLock(directory, owner)
      if (owner.pid === sleeper.pid) {
        const file = `${directory}/lock/0000000000000003.json`
        fs.writeFileSync(file, JSON.stringify({ ...withoutStart, ...owner }))
      }
      expect(yield* Effect.flip(tryOpen(directory))).toMatchObject({
        _tag: "StoreLocked",
        owner: { pid: left.pid, host: left.host }
      })
    }
  })
)

/**
 * Goal: of many who take over one stale lock exactly one gets it. Method: processes that wait for the same moment,
 * many rounds; each winner keeps the lock until all have answered.
 */
it.live("of eight processes that race for a stale lock exactly one wins, in each of 20 rounds", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const racers = yield* Effect.forEach(Array.from({ length: 8 }), () =>
      Effect.acquireRelease(
        Effect.sync(() =>
          Bun.spawn(["bun", `${import.meta.dir}/lockRacer.ts`], { stdin: "pipe", stdout: "pipe" })
        ),
        (child) => Effect.sync(() => child.kill("SIGKILL"))
      )
    )
    const answers = racers.map((racer) => lines(racer.stdout))
    for (let round = 0; round < 20; round++) {
      const store = `${directory}/${round}`
      leaveLock(store, { pid: 2 ** 22 + 1 })
      for (const racer of racers) {
        racer.stdin.write(`${store}\n`)
        racer.stdin.flush()
      }
      const results = yield* Effect.promise(() => Promise.all(answers.map((answer) => answer())))
      expect(results.toSorted()).toEqual([...Array.from({ length: 7 }, () => "locked"), "won"])
    }
  })
)

it.live("whoever looked at an old state of the lock withdraws", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const owner = thisProcess(1)
    const first = yield* takeLock(fileOps, directory, owner, "1")
    first.release()
    const second = yield* takeLock(fileOps, directory, owner, "2")
    second.release()
    const third = yield* takeLock(fileOps, directory, owner, "3")
    expect(fs.readdirSync(`${directory}/lock`)).toEqual(["0000000000000003.json"])
    // This one still sees the released lock of the first; the generation after it was tidied up and is free.
    let looks = 0
    const stale = {
      ...fileOps,
      list: (path: string) => {
        looks += 1
        if (looks > 1) return fileOps.list(path)
        fs.writeFileSync(first.file, JSON.stringify({ ...owner, released: true }))
        return ["0000000000000001.json"]
      }
    }
    const refused = yield* Effect.flip(takeLock(stale, directory, owner, "4"))
    expect(refused).toMatchObject({ _tag: "StoreLocked", file: third.file })
    expect(fs.existsSync(third.file)).toBe(true)
    expect(fs.existsSync(second.file)).toBe(false)
  })
)

it.live("a lock file that is no lock says so", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* Effect.scoped(Effect.flatMap(open(directory), (driver) => driver.commit(commitOf("account/a", 1))))
    fs.writeFileSync(`${directory}/lock/0000000000000009.json`, "{")
    const error = yield* Effect.flip(tryOpen(directory))
    expect(error).toMatchObject({ _tag: "StoreError" })
    expect(error.message).toContain("0000000000000009.json is no lock of a store")
  })
)

// --- internal ---

/** Gives the lines of a stream one by one. */
const lines = (stream: ReadableStream<Uint8Array>) => {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let text = ""
  return async (): Promise<string> => {
    while (!text.includes("\n")) {
      const { done, value } = await reader.read()
      if (done) return text
      text += decoder.decode(value, { stream: true })
    }
    const [line = ""] = text.split("\n")
    text = text.slice(line.length + 1)
    return line
  }
}
