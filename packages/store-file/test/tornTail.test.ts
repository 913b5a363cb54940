/**
 * Goal: whatever a crash leaves at the end of the log, opening keeps every acknowledged commit and nothing else;
 * whatever hurts acknowledged facts, opening refuses. Method: cut and flip real segments at every byte.
 */
import { expect, test } from "bun:test"
import * as fs from "node:fs"
import { it } from "@patchmoi/core/testing/effectTest"
import { storeContractAggregates } from "@patchmoi/core/testing/StoreContract"
import * as Effect from "effect/Effect"
import { make } from "../src/FileStore.ts"
import { LogDamaged } from "../src/FileStoreErrors.ts"
import { openReadOnly } from "../src/FileStoreReader.ts"
import { repair, verify } from "../src/LogMaintenance.ts"
import { commitOf, open, segmentsOf, temporaryFolder, unsyncedOps } from "./support.ts"

/** Commits of 1, 2, 3, 1, 2 … facts, one after the other; gives the byte at which each ends. */
const writeLog = (directory: string, commits: number, segmentBytesMax?: number) =>
  Effect.scoped(
    Effect.gen(function* () {
      const driver = yield* open(directory, segmentBytesMax === undefined ? {} : { segmentBytesMax })
      const ends: Array<number> = []
      const heads: Array<number> = []
      for (let index = 0; index < commits; index++) {
        heads.push(yield* driver.commit(commitOf(`account/a${index}`, 1, (index % 3) + 1)))
        ends.push(fs.statSync(segmentsOf(directory).at(-1) ?? "").size)
      }
      return { ends, heads }
    })
  )

const tryOpen = (directory: string) =>
  Effect.scoped(make({ directory, aggregates: storeContractAggregates, fileSystem: unsyncedOps }))

it.live("a last segment that ends at any byte opens with the whole commits before it", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const { ends, heads } = yield* writeLog(directory, 4)
    const [segment = ""] = segmentsOf(directory)
    const whole = fs.readFileSync(segment)
    for (let size = ends[1] ?? 0; size <= whole.length; size++) {
      fs.rmSync(`${directory}/log/cut`, { recursive: true, force: true })
      fs.writeFileSync(segment, whole.subarray(0, size))
      const kept = ends.filter((end) => end <= size).length
      const verified = yield* verify({ directory })
      const { report } = yield* tryOpen(directory)
      expect(report.head).toBe(heads[kept - 1] ?? 0)
      expect(verified).toMatchObject({ facts: report.head, commits: kept })
      expect(fs.statSync(segment).size).toBe(ends[kept - 1] ?? 0)
      expect(report.cut?.bytes ?? 0).toBe(size - (ends[kept - 1] ?? 0))
      if (report.cut !== undefined) {
        expect(verified.flaw?.kind).toBe("tornTail")
        const copies = report.cut.copies.map((copy) => fs.readFileSync(copy))
        expect(Buffer.concat(copies)).toEqual(whole.subarray(ends[kept - 1] ?? 0, size))
      }
    }
  })
)

it.live("writing goes on after a cut, and the next open finds nothing to cut", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const { ends, heads } = yield* writeLog(directory, 3)
    const [segment = ""] = segmentsOf(directory)
    fs.truncateSync(segment, (ends[2] ?? 0) - 5)
    yield* Effect.scoped(
      Effect.gen(function* () {
        const driver = yield* open(directory)
        expect(driver.report.cut?.line).toBe(6)
        expect(yield* driver.commit(commitOf("account/a2", 1))).toBe((heads[1] ?? 0) + 1)
      })
    )
    const { report } = yield* tryOpen(directory)
    expect(report).toMatchObject({ head: (heads[1] ?? 0) + 1, cut: undefined })
  })
)

it.live("garbage in the tail, a missing newline and zeros are cut; an empty last segment is used", () =>
  Effect.gen(function* () {
    for (const garbage of [
      "garbage\n",
      '{"position":9}\n',
      "\n",
      "\u0000".repeat(4_096),
      "no newline",
      "a\nb\nc\n"
    ]) {
      const directory = yield* temporaryFolder
      const { heads } = yield* writeLog(directory, 4)
      const [segment = ""] = segmentsOf(directory)
      fs.appendFileSync(segment, garbage)
      const { report } = yield* tryOpen(directory)
      expect(report).toMatchObject({ head: heads[3], cut: { bytes: Buffer.byteLength(garbage) } })
    }
    const directory = yield* temporaryFolder
    const { heads } = yield* writeLog(directory, 4)
    const next = (heads[3] ?? 0) + 1
    fs.writeFileSync(`${directory}/log/${String(next).padStart(20, "0")}.jsonl`, "")
    yield* Effect.scoped(Effect.flatMap(open(directory), (driver) => driver.commit(commitOf("account/b", 1))))
    expect(yield* verify({ directory })).toMatchObject({ facts: next, segments: 2, flaw: undefined })
  })
)

test("the command that mends a damaged log names the folder, as a shell takes it for one word", () => {
  const told = (directory: string) =>
    new LogDamaged({
      file: `${directory}/log/00000000000000000001.jsonl`,
      line: 1,
      offset: 0,
      reason: "hurt"
    }).message
  expect(told("data")).toContain("`patchmoi log repair --data-dir data`:")
  expect(told("/srv/it's here")).toContain("`patchmoi log repair --data-dir '/srv/it'\\''s here'`:")
})

it.live("a flipped byte before acknowledged facts: refuses to open, names the line, changes nothing", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const { ends } = yield* writeLog(directory, 5)
    const [segment = ""] = segmentsOf(directory)
    const whole = fs.readFileSync(segment)
    const step = process.env["TEST_LONG"] === "1" ? 1 : 7
    for (let at = 0; at < (ends[3] ?? 0); at += step) {
      const hurt = Buffer.from(whole)
      hurt[at] = (hurt[at] ?? 0) ^ 0x41
      fs.writeFileSync(segment, hurt)
      const error = yield* Effect.flip(tryOpen(directory))
      expect(error).toMatchObject({ _tag: "LogDamaged", file: segment })
      expect(error.message).toContain(`\`patchmoi log repair --data-dir ${directory}\``)
      const line = whole.subarray(0, at).filter((byte) => byte === 0x0a).length + 1
      expect(error).toMatchObject({ line })
      expect(fs.readFileSync(segment)).toEqual(hurt)
    }
    const newlineHurt = Buffer.from(whole)
    newlineHurt[(ends[3] ?? 0) - 1] = 0x20
    fs.writeFileSync(segment, newlineHurt)
    expect((yield* Effect.flip(tryOpen(directory)))._tag).toBe("LogDamaged")
    expect((yield* Effect.flip(openReadOnly({ directory, aggregates: [] })))._tag).toBe("LogDamaged")
  })
)

it.live("a line that is missing, doubled or moved in the middle is damage", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* writeLog(directory, 6)
    const [segment = ""] = segmentsOf(directory)
    const lines = fs.readFileSync(segment, "utf8").split("\n").slice(0, -1)
    const [a = "", b = "", c = "", ...rest] = lines
    for (const hurt of [[a, c, ...rest], [a, b, b, c, ...rest], [b, a, c, ...rest], rest]) {
      fs.writeFileSync(segment, `${hurt.join("\n")}\n`)
      expect((yield* Effect.flip(tryOpen(directory)))._tag).toBe("LogDamaged")
    }
  })
)

it.live(
  "damage in an earlier segment, and a segment that is missing: refused; repair keeps all that it cuts",
  () =>
    Effect.gen(function* () {
      const directory = yield* temporaryFolder
      yield* writeLog(directory, 9, 400)
      const segments = segmentsOf(directory)
      expect(segments.length).toBeGreaterThan(3)
      const [first = "", second = "", ...later] = segments
      const wholeSecond = fs.readFileSync(second)
      fs.renameSync(second, `${directory}/away`)
      expect(yield* Effect.flip(tryOpen(directory))).toMatchObject({
        _tag: "LogDamaged",
        file: later[0],
        line: 1
      })
      fs.renameSync(`${directory}/away`, second)
      const hurt = Buffer.from(wholeSecond)
      hurt[30] = 0
      fs.writeFileSync(second, hurt)
      expect(yield* Effect.flip(tryOpen(directory))).toMatchObject({
        _tag: "LogDamaged",
        file: second,
        line: 1
      })
      expect((yield* verify({ directory })).flaw).toMatchObject({ kind: "damage", file: second, line: 1 })
      const expected = [hurt, ...later.map((path) => fs.readFileSync(path))]
      const cut = yield* repair({ directory })
      expect(cut?.copies.map((copy) => fs.readFileSync(copy))).toEqual(expected)
      expect(cut?.bytes).toBe(Buffer.concat(expected).length)
      expect((yield* verify({ directory })).flaw).toBeUndefined()
      expect(yield* repair({ directory })).toBeUndefined()
      expect(fs.existsSync(first)).toBe(true)
      yield* tryOpen(directory)
    })
)
