/**
 * Goal: a process that stops hard at any point loses nothing acknowledged and doubles nothing. Method: real processes
 * stop themselves with SIGKILL around each statement that writes, twice on one file, the second time in the recovery of
 * the first; others are stopped from outside after a seeded time. Then the file is compared with what they printed.
 * `TEST_LONG=1` visits every point, otherwise a fixed sample.
 */

import { Database } from "bun:sqlite"
import { afterAll, beforeAll, expect, test } from "bun:test"
import * as fs from "node:fs"
import * as os from "node:os"
import { Projector } from "@patchmoi/core/store/Projector"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { accounts } from "@patchmoi/core/testing/StoreContractLedger"
import { sample, visit } from "@patchmoi/core/testing/sweep"
import * as Effect from "effect/Effect"
import { open } from "../support.ts"

const isLong = process.env["TEST_LONG"] === "1"
const timeoutMillis = isLong ? 900_000 : 60_000

let folder = ""
let program = ""

beforeAll(async () => {
  folder = fs.mkdtempSync(`${os.tmpdir()}/crash-`)
  // One file starts in a fifth of the time that its sources take.
  const built = await Bun.build({
    entrypoints: [`${import.meta.dir}/child.ts`],
    outdir: folder,
    target: "bun"
  })
  program = built.outputs[0]?.path ?? ""
})

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

test(
  "stopped around any statement, and again while recovering: nothing acknowledged is lost, nothing is doubled",
  async () => {
    const last = (await run(`${folder}/count.db`, 0)).points
    expect(last).toBeGreaterThan(200)
    await visit(sample(last, isLong ? last : 40), async (point) => {
      const filename = `${folder}/at-${point}.db`
      const first = await run(filename, point)
      const second = await run(filename, ((point * 31) % 60) + 1)
      await expectWhole(filename, [first, second])
    })
  },
  timeoutMillis
)

test(
  "stopped from outside at any time: nothing acknowledged is lost, nothing is doubled",
  async () => {
    await visit(sample(isLong ? 200 : 12, isLong ? 200 : 12), async (seed) => {
      const filename = `${folder}/after-${seed}.db`
      const runs = [await run(filename, 0, (seed * 7) % 41), await run(filename, 0, (seed * 11) % 23)]
      await expectWhole(filename, runs)
    })
  },
  timeoutMillis
)

// --- internal ---

interface Run {
  readonly acks: ReadonlyArray<{ readonly key: string; readonly balance: number }>
  readonly points: number
}

/** Starts the process; `millis` after it has opened the store it is stopped. */
const run = async (filename: string, point: number, millis?: number): Promise<Run> => {
  const child = Bun.spawn([process.execPath, program, filename, String(point)], {
    stdout: "pipe",
    stderr: "pipe"
  })
  const errors = new Response(child.stderr).text()
  let output = ""
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    output += text
    if (millis !== undefined && output.includes("opened")) {
      const stopAt = millis
      millis = undefined
      void Bun.sleep(stopAt).then(() => child.kill("SIGKILL"))
    }
  }
  await child.exited
  // Either it was stopped by its signal, or it came to its end.
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0) {
    throw new Error(`the child failed: ${await errors}`)
  }
  const acks = Array.from(output.matchAll(/^ack (\S+) (\d+)$/gm), ([, key = "", balance]) => ({
    key,
    balance: Number(balance)
  }))
  return { acks, points: Number(/^points (\d+)$/m.exec(output)?.[1] ?? 0) }
}

/** The file is a sound database whose documents, entries and leases are what its log says, and the log has all that was acknowledged. */
const expectWhole = (filename: string, runs: ReadonlyArray<Run>): Promise<void> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const store = makeStore(yield* open(filename))
        const rows = yield* store.driver.readAfter(0, 10_000)
        expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index + 1))
        const projector = new Projector([accounts])
        for (const row of rows) projector.apply(row)
        const { documents } = projector.project()
        for (const { view, key, stream, version, value } of documents) {
          expect(yield* store.driver.load(view, key, stream)).toMatchObject({ key, version, value })
          const { status, balance } = JSON.parse(value ?? "{}")
          const listed = yield* store.list(accounts, { index: "byStatus", prefix: [status] })
          expect(listed.items.filter(({ owner }) => owner === key)).toHaveLength(1)
          expect((yield* store.driver.leases.get(key))?.token).toBe(`t${status.slice(1)}`)
          const facts = yield* store.driver.readStream(stream, 0, 1_000)
          expect(facts.map((fact) => fact.version)).toEqual(facts.map((_, index) => index + 1))
          expect(facts.filter(({ type }) => type === "Credited")).toHaveLength(balance)
          const acked = runs.flatMap(({ acks }) => acks.filter((ack) => ack.key === key))
          expect(balance).toBeGreaterThanOrEqual(Math.max(0, ...acked.map((ack) => ack.balance)))
          // Each acknowledged commit once, and no more than one that was not: that under way when it was stopped.
          expect(balance).toBeLessThanOrEqual(acked.length + runs.length)
          expect(new Set(acked.map((ack) => ack.balance)).size).toBe(acked.length)
        }
        const { items } = yield* store.list(accounts)
        expect(items).toHaveLength(documents.length)
        const keys = new Set(runs.flatMap(({ acks }) => acks.map(({ key }) => key)))
        for (const key of keys) expect(documents.some((document) => document.key === key)).toBe(true)
      })
    )
  ).then(() => {
    const database = new Database(filename, { readonly: true })
    expect(database.prepare("PRAGMA integrity_check").values()).toEqual([["ok"]])
    expect(database.prepare("PRAGMA foreign_key_check").values()).toEqual([])
    database.close()
    for (const suffix of ["", "-wal", "-shm"]) fs.rmSync(`${filename}${suffix}`, { force: true })
  })
