/**
 * Goal: several processes on one file lose no update, show nobody a locked database, and see each other soon. Method:
 * real processes, started together on a file that does not exist yet, credit one shared account.
 */

import { Database } from "bun:sqlite"
import { expect } from "bun:test"
import * as fs from "node:fs"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { it } from "@patchmoi/core/testing/effectTest"
import { accounts, opened } from "@patchmoi/core/testing/StoreContractLedger"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { open, temporaryFile } from "../support.ts"

const rounds = 40
const writers = 4
const processes = 3

it.live("three processes with four writers each: every unit counts once, nobody is told of a lock", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const store = makeStore(yield* open(filename))
    yield* store.transact((unit) => unit.execute(accounts, "shared", [opened("shared")]))
    const longest = yield* Effect.promise(() =>
      Promise.all(
        Array.from({ length: processes }, (_, index) => run(filename, `p${index}`, rounds, writers).longest)
      )
    )
    const total = processes * writers * rounds
    expect(Option.getOrThrow(yield* store.load(accounts, "shared")).balance).toBe(total)
    const rows = yield* store.driver.readAfter(0, 10_000)
    expect(rows.map(({ position }) => position)).toEqual(rows.map((_, index) => index + 1))
    expect(rows).toHaveLength(1 + 2 * total + processes * writers)
    expect(Math.max(...longest)).toBeLessThan(20_000)
    expect(integrity(filename)).toBe("ok")
  })
)

it.live("six processes make the database at the same moment: one schema, everybody writes", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const results = yield* Effect.promise(() =>
      Promise.all(Array.from({ length: 6 }, () => spawn(["opener.ts", filename])))
    )
    expect(results).toEqual(Array.from({ length: 6 }, () => "opened\n"))
    const store = makeStore(yield* open(filename))
    yield* store.transact((unit) => unit.execute(accounts, "a", [opened("a")]))
    expect(yield* store.driver.head).toBe(1)
  })
)

it.live("a commit of another process wakes who waits within a quarter of a second", () =>
  Effect.gen(function* () {
    const filename = yield* temporaryFile
    const store = makeStore(yield* open(filename))
    yield* store.transact((unit) => unit.execute(accounts, "shared", [opened("shared")]))
    const child = run(filename, "other", 25, 1)
    const seen: Array<{ readonly at: number; readonly head: number }> = []
    for (let head = 1; head < 1 + 1 + 2 * 25; ) {
      yield* store.driver.awaitBeyond(head)
      head = yield* store.driver.head
      seen.push({ at: Date.now(), head })
    }
    const acks = yield* Effect.promise(() => child.acks)
    expect(acks).toHaveLength(25)
    const delays = acks
      .map((ackedAt, index) => (seen.find(({ head }) => head >= 3 + 2 * index + 1)?.at ?? 0) - ackedAt)
      .sort((a, b) => a - b)
    // Nine of ten, as a busy machine may stop either process for a moment.
    expect(delays[Math.floor(delays.length * 0.9)]).toBeLessThan(250)
  })
)

// --- internal ---

const spawn = async (args: ReadonlyArray<string>): Promise<string> => {
  const [script = "", ...rest] = args
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/${script}`, ...rest], {
    stdout: "pipe",
    stderr: "pipe"
  })
  const [output, errors, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited
  ])
  if (code !== 0) throw new Error(`the process failed: ${errors}`)
  return output
}

const run = (filename: string, name: string, rounds: number, writers: number) => {
  const output = spawn(["child.ts", filename, name, String(rounds), String(writers)])
  return {
    longest: output.then((text) => Number(/^longest (\d+)$/m.exec(text)?.[1])),
    acks: output.then((text) => Array.from(text.matchAll(/^ack (\d+)$/gm), ([, at]) => Number(at)))
  }
}

const integrity = (filename: string): unknown => {
  const database = new Database(filename, { readonly: true })
  try {
    return database.prepare("PRAGMA integrity_check").values()[0]?.[0]
  } finally {
    database.close()
    expect(fs.existsSync(filename)).toBe(true)
  }
}
