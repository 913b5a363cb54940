/**
 * Goal: a process that stops hard at any point loses nothing acknowledged and doubles nothing. Method: real processes
 * stop themselves with SIGKILL around each file operation, twice on one folder; then the folder is opened and compared
 * with what they printed. `TEST_LONG=1` visits every point, otherwise a fixed sample.
 */
import { afterAll, beforeAll, expect, test } from "bun:test"
import * as fs from "node:fs"
import * as os from "node:os"
import type { LogRow } from "@patchmoi/core/store/Log"
import { sample, visit } from "@patchmoi/core/testing/sweep"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { make } from "../../src/FileStore.ts"
import { verify } from "../../src/LogMaintenance.ts"
import { segmentsOf } from "../support.ts"
import { linesOf, projections, segmentBytesMax, snapshotFacts, stateOf } from "./sample.ts"

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
  "stopped while writing, and again while recovering: nothing acknowledged is lost, nothing is doubled",
  async () => {
    const last = await countPoints("write")
    expect(last).toBeGreaterThan(200)
    await visit(sample(last, isLong ? last : 40), async (point) => {
      const directory = fs.mkdtempSync(`${folder}/write-`)
      const first = await run("write", directory, point)
      const second = await run("write", directory, ((point * 31) % last) + 1)
      const rows = await readAll(directory)
      expectConsistent(rows)
      for (const { position, stream, version, pid } of [...first.acks, ...second.acks]) {
        expect(rows[position - 1]).toMatchObject({ position, stream, version, at: pid })
      }
      expectReadable(directory, rows)
      fs.rmSync(directory, { recursive: true })
    })
  },
  timeoutMillis
)

for (const mode of ["repair", "rebuild"] as const) {
  test(
    `stopped while in ${mode}: what was whole stays whole, what was cut is kept`,
    async () => {
      const source = fs.mkdtempSync(`${folder}/${mode}-source-`)
      await run("write", source, 0)
      const whole = await readAll(source)
      const torn = tear(source, mode)
      const countIn = `${folder}/${mode}-count`
      fs.cpSync(source, countIn, { recursive: true })
      const last = (await run(mode, countIn, 0)).points
      expect(last).toBeGreaterThan(20)
      await visit(sample(last, isLong ? last : 12), async (point) => {
        const directory = fs.mkdtempSync(`${folder}/${mode}-`)
        fs.cpSync(source, directory, { recursive: true })
        await run(mode, directory, point)
        await run(mode, directory, 0)
        const rows = await readAll(directory)
        expect((await Effect.runPromise(verify({ directory }))).flaw).toBeUndefined()
        expect(rows).toEqual(whole.slice(0, torn.kept))
        expect(cutTexts(directory)).toContain(torn.text)
        expectReadable(directory, rows)
        fs.rmSync(directory, { recursive: true })
      })
    },
    timeoutMillis
  )
}

// --- internal ---

const countPoints = async (mode: string): Promise<number> => {
  const directory = fs.mkdtempSync(`${folder}/count-`)
  return (await run(mode, directory, 0)).points
}

const run = async (mode: string, directory: string, point: number) => {
  const child = Bun.spawn(["bun", program, mode, directory, String(point)], {
    stdout: "pipe",
    stderr: "pipe"
  })
  const [output, errors] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  // Either it was stopped by its own signal, or it came to its end.
  if (child.signalCode !== "SIGKILL" && child.exitCode !== 0) throw new Error(`the child failed: ${errors}`)
  const acks = output.split("\n").flatMap((line) => {
    const [word, position, stream, version, pid] = line.split(" ")
    return word === "ack" && pid !== undefined
      ? [{ position: Number(position), stream, version: Number(version), pid: Number(pid) }]
      : []
  })
  return { acks, points: Number(/^points (\d+)$/m.exec(output)?.[1] ?? 0) }
}

/** What the store shows, which a snapshot must not change. */
const readAll = async (directory: string): Promise<ReadonlyArray<LogRow>> => {
  const copy = fs.mkdtempSync(`${folder}/without-`)
  fs.cpSync(directory, copy, { recursive: true })
  fs.rmSync(`${copy}/snapshot`, { recursive: true, force: true })
  const withSnapshot = await readEvery(directory)
  expect(await readEvery(copy)).toEqual(withSnapshot)
  fs.rmSync(copy, { recursive: true })
  return withSnapshot.rows
}

const readEvery = (directory: string) =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const driver = yield* make({ directory, aggregates: [], projections, segmentBytesMax, snapshotFacts })
        // What a crash leaves of a snapshot is whole: nothing that fitted the log is thrown away.
        expect(driver.report.snapshot.ignored).toBeUndefined()
        const rows = yield* driver.readAfter(0, 100_000)
        const streams = [...new Set(rows.map(({ stream }) => stream))].sort()
        const histories = yield* Effect.forEach(streams, (stream) => driver.readStream(stream, 1, 100))
        const versions = yield* Effect.forEach(streams, (stream) => driver.load("account", "", stream))
        return { rows, histories, versions }
      })
    ).pipe(Effect.provide(Logger.remove(Logger.defaultLogger)))
  )

const expectConsistent = (rows: ReadonlyArray<LogRow>): void => {
  const versions = new Map<string, number>()
  for (const [index, { position, stream, version, data }] of rows.entries()) {
    expect(position).toBe(index + 1)
    expect(version).toBe((versions.get(stream) ?? 0) + 1)
    expect(JSON.parse(data)).toMatchObject({ amount: version })
    versions.set(stream, version)
  }
}

const expectReadable = (directory: string, rows: ReadonlyArray<LogRow>): void => {
  const lines = rows.flatMap(linesOf).map((line) => `${line}\n`)
  const events = `${directory}/events.jsonl`
  expect(fs.existsSync(events) ? fs.readFileSync(events, "utf8") : "").toBe(lines.join(""))
  if (rows.length > 0) expect(fs.readFileSync(`${directory}/state.json`, "utf8")).toBe(stateOf(rows))
  expect(fs.readdirSync(directory).filter((name) => name.includes("before-patchmoi"))).toEqual([])
}

/** Hurts the log: in the middle for a repair, at the end otherwise. Gives how many facts are whole, and what is not. */
const tear = (
  directory: string,
  mode: "repair" | "rebuild"
): { readonly kept: number; readonly text: string } => {
  const segments = segmentsOf(directory)
  const segment = (mode === "repair" ? segments.at(-3) : segments.at(-1)) ?? ""
  const text = fs.readFileSync(segment, "utf8")
  const hurt = mode === "repair" ? `#${text}` : `${text}{"position":`
  fs.writeFileSync(segment, hurt)
  const first = Number(/(\d{20})\.jsonl$/.exec(segment)?.[1] ?? 0)
  return mode === "repair"
    ? { kept: first - 1, text: hurt }
    : { kept: first - 1 + text.split("\n").length - 1, text: `{"position":` }
}

const cutTexts = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(`${directory}/log/cut`)
    .map((name) => fs.readFileSync(`${directory}/log/cut/${name}`, "utf8"))
