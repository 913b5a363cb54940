/**
 * Goal: a snapshot changes how long opening takes, and nothing else. Method: generated histories are opened with and
 * without it and must look the same; snapshots that do not fit must not be used.
 */
import { expect } from "bun:test"
import * as fs from "node:fs"
import type { Driver } from "@patchmoi/core/store/Driver"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { documentsDigest } from "@patchmoi/core/store/Transfer"
import { it } from "@patchmoi/core/testing/effectTest"
import { storeContractAggregates } from "@patchmoi/core/testing/StoreContract"
import {
  accounts,
  credited,
  encoded,
  type LedgerFact,
  opened,
  statusChanged
} from "@patchmoi/core/testing/StoreContractLedger"
import * as Effect from "effect/Effect"
import * as FastCheck from "effect/FastCheck"
import type { FileStoreOptions } from "../src/FileStore.ts"
import { openReadOnly } from "../src/FileStoreReader.ts"
import { repair, verify } from "../src/LogMaintenance.ts"
import { appendEach } from "../src/ReadableProjection.ts"
import { eventually, open, segmentsOf, temporaryFolder, unsyncedOps } from "./support.ts"

const small = { snapshotFacts: 7, segmentBytesMax: 2_000, fileSystem: unsyncedOps }

const histories = process.env["TEST_LONG"] === "1" ? 200 : 12

it.live("document after snapshot and tail = document by full fold, over generated histories", () =>
  Effect.gen(function* () {
    for (const sessions of FastCheck.sample(anySessions, { numRuns: histories, seed: 7 })) {
      const directory = yield* temporaryFolder
      for (const commits of sessions) yield* session(directory, small, (driver) => write(driver, commits))
      const withSnapshot = yield* session(directory, small, look)
      const used = yield* session(directory, small, ({ report }) => Effect.succeed(report.snapshot))
      expect(used.ignored).toBeUndefined()
      const reader = yield* Effect.scoped(Effect.flatMap(openReadOnly(sourceOf(directory)), look))
      fs.rmSync(`${directory}/snapshot`, { recursive: true, force: true })
      const byFullFold = yield* session(directory, { fileSystem: unsyncedOps }, look)
      expect(withSnapshot).toEqual(byFullFold)
      expect(reader).toEqual(byFullFold)
      if (withSnapshot.head >= small.snapshotFacts) expect(used.position).toBeGreaterThan(0)
    }
  })
)

it.live("what was committed since the snapshot is read, and no more", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* filled(directory, 40)
    const options = { ...small, snapshotFacts: 1_000 }
    yield* session(directory, options, (driver) => write(driver, [["k1", [credited(1)]]]))
    const report = yield* session(directory, options, ({ report }) => Effect.succeed(report))
    expect(report).toMatchObject({ head: 41, snapshot: { ignored: undefined } })
    expect(report.snapshot.position).toBe(40)
  })
)

it.live("many snapshots leave few files, and commits go on while one is taken", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* session(directory, small, (driver) =>
      Effect.gen(function* () {
        for (let round = 0; round < 60; round++) {
          yield* write(
            driver,
            Array.from({ length: 5 }, (_, index) => [`k${round}-${index}`, [opened("o")]])
          )
        }
        yield* eventually(() => tables(directory).length > 0)
      })
    )
    expect(tables(directory).length).toBeLessThan(8)
    expect(fs.existsSync(`${directory}/snapshot/.new`)).toBe(false)
    const { position } = yield* session(directory, small, ({ report }) => Effect.succeed(report.snapshot))
    expect(300 - position).toBeLessThan(small.snapshotFacts)
  })
)

const misfits: Readonly<Record<string, (directory: string) => void>> = {
  "a damaged manifest": (directory) =>
    change(manifest(directory), (text) => text.replace('"position":', '"positioN":')),
  "an empty manifest": (directory) => fs.writeFileSync(manifest(directory), ""),
  "a file of the snapshot is missing": (directory) => fs.rmSync(tables(directory)[0] ?? ""),
  "a file of the snapshot is cut": (directory) =>
    change(tables(directory)[0] ?? "", (text) => text.slice(0, -3)),
  "the top of a file is changed": (directory) =>
    change(tables(directory)[0] ?? "", (text) => `${text.slice(0, -4)}x${text.slice(-3)}`),
  "a segment was changed at its end": (directory) =>
    change(segmentsOf(directory)[0] ?? "", (text) => relabelled(text, -1)),
  "a segment was changed at its start": (directory) =>
    change(segmentsOf(directory)[0] ?? "", (text) => relabelled(text, 0)),
  "the last segment was cut": (directory) => {
    const last = segmentsOf(directory).at(-1) ?? ""
    change(last, (text) => `${text.split("\n").slice(0, -2).join("\n")}\n`)
  }
}

for (const [name, hurt] of Object.entries(misfits)) {
  it.live(`${name}: the snapshot is not used, and the views are those of the log`, () =>
    Effect.gen(function* () {
      const directory = yield* temporaryFolder
      yield* filled(directory, 60)
      hurt(directory)
      const copy = `${yield* temporaryFolder}/copy`
      fs.cpSync(directory, copy, { recursive: true })
      fs.rmSync(`${copy}/snapshot`, { recursive: true })
      const { report, seen } = yield* session(directory, small, (driver) =>
        Effect.map(look(driver), (seen) => ({ report: driver.report, seen }))
      )
      expect(report.snapshot.position).toBe(0)
      expect(report.snapshot.ignored).toBeString()
      expect(seen).toEqual(yield* session(copy, { fileSystem: unsyncedOps }, look))
      // The next one fits again.
      const after = yield* session(directory, small, ({ report: next }) => Effect.succeed(next.snapshot))
      expect(after).toEqual({ position: report.head, ignored: undefined })
    })
  )
}

it.live("other code that folds: another name, another function, or other documents", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* filled(directory, 30)
    const use = (options: Partial<FileStoreOptions>) => {
      const copy = `${directory}-copy`
      fs.rmSync(copy, { recursive: true, force: true })
      fs.cpSync(directory, copy, { recursive: true })
      return Effect.ensuring(
        session(copy, { ...small, ...options }, ({ report }) => Effect.succeed(report.snapshot)),
        Effect.sync(() => fs.rmSync(copy, { recursive: true }))
      )
    }
    expect(yield* use({})).toEqual({ position: 30, ignored: undefined })
    expect((yield* use({ foldVersion: "2" })).ignored).toContain("another version")
    const counted = { ...accounts, indexes: { ...accounts.indexes, byOwner: () => [] } }
    expect((yield* use({ aggregates: [counted] })).ignored).toContain("another version")
    let suffix = ""
    const depends = {
      ...accounts,
      evolve: (...[document, fact, place]: Parameters<typeof accounts.evolve>) => {
        const next = accounts.evolve(document, fact, place)
        return next === undefined ? undefined : { ...next, owner: next.owner.replace(/!$/, "") + suffix }
      }
    }
    yield* session(`${directory}-depends`, { ...small, aggregates: [depends] }, (driver) =>
      write(
        driver,
        Array.from({ length: 9 }, (_, index) => [`k${index}`, [opened("o")]])
      )
    )
    suffix = "!"
    const drifted = yield* Effect.ensuring(
      session(`${directory}-depends`, { ...small, aggregates: [depends] }, ({ report }) =>
        Effect.succeed(report.snapshot)
      ),
      Effect.sync(() => fs.rmSync(`${directory}-depends`, { recursive: true }))
    )
    expect(drifted).toMatchObject({ position: 0, ignored: expect.stringContaining("documents") })
  })
)

it.live("a block that is damaged is told when it is read, and nothing of it is used", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* session(directory, { fileSystem: unsyncedOps, snapshotFacts: 500 }, (driver) =>
      write(
        driver,
        Array.from({ length: 600 }, (_, index) => [
          `k${String(index).padStart(3, "0")}`,
          [opened("owner".repeat(9))]
        ])
      )
    )
    const [table = ""] = tables(directory)
    const text = fs.readFileSync(table, "utf8")
    fs.writeFileSync(table, text.replace("owner", "Owner"))
    const failed = yield* session(directory, { fileSystem: unsyncedOps }, (driver) =>
      Effect.flip(look(driver))
    )
    expect(failed).toMatchObject({ _tag: "StoreError" })
    expect(failed.reason).toContain("made from the log: remove it")
    expect((yield* verify({ directory })).snapshot?.flaw).toContain("is damaged")
  })
)

it.live("a log that was emptied or shortened is named by verify; a repair makes that the truth", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    yield* filled(directory, 60)
    expect(yield* verify({ directory })).toMatchObject({ flaw: undefined, snapshot: { position: 60 } })
    for (const segment of segmentsOf(directory).slice(1)) fs.rmSync(segment)
    const [first = ""] = segmentsOf(directory)
    fs.truncateSync(first, 0)
    const { flaw, facts } = yield* verify({ directory })
    expect({ facts, ...flaw }).toMatchObject({ facts: 0, kind: "shortened", file: first, line: 1, offset: 0 })
    expect(flaw?.reason).toBe("the log ends at position 0, and the snapshot knows of facts up to 60")
    yield* repair({ directory })
    expect(yield* verify({ directory })).toMatchObject({ flaw: undefined, snapshot: undefined })
  })
)

it.live("a readable file that knows more than the log names a shortened log, too", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    const projections = [appendEach("all.jsonl", ({ position }) => [String(position)])]
    yield* session(directory, { projections }, (driver) => write(driver, [["a", [opened("o"), credited(1)]]]))
    fs.truncateSync(segmentsOf(directory)[0] ?? "", 0)
    expect((yield* verify({ directory })).flaw?.reason).toBe(
      "the log ends at position 0, and all.jsonl knows of facts up to 2"
    )
  })
)

// --- internal ---

type Commits = ReadonlyArray<readonly [key: string, facts: ReadonlyArray<LedgerFact>]>

const anyFact: FastCheck.Arbitrary<LedgerFact> = FastCheck.oneof(
  FastCheck.record({
    _tag: FastCheck.constant("Credited" as const),
    amount: FastCheck.integer({ min: 0, max: 9 }),
    note: FastCheck.string()
  }),
  FastCheck.constantFrom("open", "closed", "é\u0000").map(statusChanged),
  FastCheck.tuple(FastCheck.string(), FastCheck.integer({ min: 0, max: 3 })).map(([owner, rank]) =>
    opened(owner, "open", rank)
  )
)

const anySessions: FastCheck.Arbitrary<ReadonlyArray<Commits>> = FastCheck.array(
  FastCheck.array(
    FastCheck.tuple(
      FastCheck.constantFrom("a", "b", "c/d", "é", "k\u0001"),
      FastCheck.array(anyFact, { minLength: 1, maxLength: 5 })
    ),
    { maxLength: 12 }
  ),
  { minLength: 1, maxLength: 4 }
)

const sourceOf = (directory: string) => ({ directory, aggregates: storeContractAggregates })

const session = <A, E>(
  directory: string,
  options: Partial<FileStoreOptions>,
  use: (driver: Effect.Effect.Success<ReturnType<typeof open>>) => Effect.Effect<A, E>
): Effect.Effect<A, E> => Effect.scoped(Effect.flatMap(open(directory, options), use))

/** Executes each commit; one that its aggregate rejects becomes a fact of nobody's. */
const write = (driver: Driver, commits: Commits) =>
  Effect.forEach(
    commits,
    ([key, facts]) =>
      makeStore(driver)
        .transact((unit) => unit.execute(accounts, key, facts))
        .pipe(
          Effect.catchTag("NotOpened", () =>
            Effect.flatMap(driver.load("planet", key, `planet/${key}`), ({ version }) =>
              driver.commit({
                expected: [],
                facts: [encoded(`planet/${key}`, version + 1, "Formed", {})],
                documents: []
              })
            )
          ),
          Effect.orDie
        ),
    { discard: true }
  )

/** A store whose snapshot goes up to its last fact. */
const filled = (directory: string, facts: number) =>
  session(directory, { ...small, snapshotFacts: 1 }, (driver) =>
    write(
      driver,
      Array.from({ length: facts }, (_, index) => [
        `k${index % 11}`,
        [index < 11 ? opened(`o${index}`, "open", index % 3) : credited(index, "note")]
      ])
    )
  )

/** Everything that a driver shows. */
const look = (driver: Driver) =>
  Effect.gen(function* () {
    const head = yield* driver.head
    const rows = yield* driver.readAfter(0, 10_000)
    const streams = [...new Set(rows.map(({ stream }) => stream))]
    const query = { view: "account", prefix: "", limit: 100 } as const
    return {
      head,
      rows,
      pages: yield* Effect.forEach([1, 5, 17], (from) => driver.readAfter(from, 3)),
      digest: yield* documentsDigest(driver, storeContractAggregates),
      histories: yield* Effect.forEach(streams, (stream) => driver.readStream(stream, 2, 4)),
      whole: yield* Effect.forEach(streams, (stream) => driver.readStream(stream, 0, 10_000)),
      documents: yield* Effect.forEach(streams, (stream) => driver.load("account", stream.slice(8), stream)),
      lists: yield* Effect.forEach(["all", "byStatus", "byRank"], (index) =>
        Effect.all([
          driver.list({ ...query, index, order: "ascending" }),
          driver.list({ ...query, index, order: "descending", limit: 3 }),
          driver.count({ view: "account", index, prefix: "" }, 1_000)
        ])
      )
    }
  })

const manifest = (directory: string): string => `${directory}/snapshot/manifest.json`

const tables = (directory: string): ReadonlyArray<string> =>
  fs.existsSync(`${directory}/snapshot`)
    ? fs
        .readdirSync(`${directory}/snapshot`)
        .filter((name) => name.endsWith(".table"))
        .map((name) => `${directory}/snapshot/${name}`)
    : []

const change = (path: string, edit: (text: string) => string): void =>
  fs.writeFileSync(path, edit(fs.readFileSync(path, "utf8")))

/** A log in which one line says something else, with a checksum that is right. */
const relabelled = (text: string, at: number): string => {
  const lines = text.split("\n").slice(0, -1)
  const index = at < 0 ? lines.length + at : at
  const body = (lines[index] ?? "")
    .replace(/,"crc":"[0-9a-f]{8}"\}$/, "")
    .replace(/"(note|open)"([,}])/, '"else"$2')
  const crc = Bun.hash.crc32(body).toString(16).padStart(8, "0")
  lines[index] = `${body},"crc":"${crc}"}`
  return `${lines.join("\n")}\n`
}
