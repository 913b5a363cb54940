import { expect } from "bun:test"
import * as fs from "node:fs"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { it } from "@patchmoi/core/testing/effectTest"
import { storeContractAggregates } from "@patchmoi/core/testing/StoreContract"
import { accounts, credited, opened } from "@patchmoi/core/testing/StoreContractLedger"
import * as Chunk from "effect/Chunk"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { openReadOnly } from "../src/FileStoreReader.ts"
import { commitOf, open, segmentsOf, temporaryFolder } from "./support.ts"

const read = (directory: string) => openReadOnly({ directory, aggregates: storeContractAggregates })

it.live("a reader follows a writer through segments: facts, documents, lists and output", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const reader = makeStore(yield* read(`${directory}/data`))
    expect(yield* reader.driver.head).toBe(0)
    const seen = yield* Effect.fork(Stream.runCollect(Stream.take(reader.changes(0), 80)))
    const writer = makeStore(yield* open(`${directory}/data`, { segmentBytesMax: 700 }))
    for (let index = 0; index < 40; index++) {
      const facts = [opened(`${index}`), credited(index)]
      yield* writer.transact((unit) => unit.execute(accounts, `k${index}`, facts))
    }
    const positions = Chunk.map(yield* Fiber.join(seen), ({ position }) => position)
    expect(Chunk.toReadonlyArray(positions)).toEqual(Array.from({ length: 80 }, (_, index) => index + 1))
    expect(Option.getOrThrow(yield* reader.load(accounts, "k7"))).toMatchObject({ owner: "7", balance: 7 })
    const options = { index: "byStatus", prefix: ["open"], limit: 3 }
    expect(yield* reader.list(accounts, options)).toEqual(yield* writer.list(accounts, options))
    expect(yield* reader.driver.readStream("account/k39", 1, 10)).toHaveLength(1)
    const record = { sequence: 0, offset: 0, bytes: 1, stream: "stdout", at: 0, text: "x" } as const
    yield* writer.driver.outputs.append("attempt", [record], undefined, undefined)
    expect(yield* reader.driver.outputs.read("attempt", 0, 10)).toEqual([record])
    const late = yield* read(`${directory}/data`)
    expect(yield* late.readAfter(0, 100)).toEqual(yield* writer.driver.readAfter(0, 100))
  })
)

it.live("a reader sees whole commits only, and what a new writer puts in place of a torn tail", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* Effect.scoped(
      Effect.flatMap(open(directory), (driver) => driver.commit(commitOf("account/a", 1, 3)))
    )
    const [segment = ""] = segmentsOf(directory)
    const whole = fs.readFileSync(segment)
    const reader = yield* read(directory)
    fs.appendFileSync(segment, '{"position":4,"stream":"account/b"')
    expect(yield* reader.head).toBe(3)
    expect(yield* (yield* read(directory)).head).toBe(3)
    const writer = yield* open(directory)
    yield* writer.commit(commitOf("account/c", 1))
    expect((yield* reader.readAfter(3, 10)).map(({ stream }) => stream)).toEqual(["account/c"])
    fs.writeFileSync(segment, whole.subarray(0, 10))
    expect((yield* Effect.flip(reader.head)).message).toContain("open the store again")
  })
)

it.live("a reader refuses to write", () =>
  Effect.gen(function* () {
    const reader = yield* read(yield* temporaryFolder)
    const errors = yield* Effect.all([
      Effect.flip(reader.commit(commitOf("account/a", 1))),
      Effect.flip(reader.outputs.append("a", [], undefined, undefined)),
      Effect.flip(reader.leases.put("a", { token: "t", workerId: "w", expiresAt: 0 })),
      Effect.flip(reader.leases.remove("a")),
      Effect.flip(reader.leases.renew("a", "t", 1, 0))
    ])
    for (const error of errors) expect(error.message).toContain("for reading only")
    expect(yield* reader.leases.get("a")).toBeUndefined()
  })
)
