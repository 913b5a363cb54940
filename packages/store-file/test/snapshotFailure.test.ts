/**
 * Goal: a snapshot that cannot be written costs time at the next opening, and nothing else. Method: the disk refuses every
 * file of the snapshot, while many times the facts of one are committed.
 */
import { expect } from "bun:test"
import type { Driver } from "@patchmoi/core/store/Driver"
import { make as makeStore } from "@patchmoi/core/store/Store"
import { it } from "@patchmoi/core/testing/effectTest"
import { accounts, credited, opened } from "@patchmoi/core/testing/StoreContractLedger"
import * as Effect from "effect/Effect"
import type { FileSystemOps } from "../src/internal/fileOps.ts"
import { open, temporaryFolder, unsyncedOps } from "./support.ts"

const keys = 10
const credits = 20

it.live("commits and views go on without snapshots, and the disk is asked once", () =>
  Effect.gen(function* () {
    const directory = yield* temporaryFolder
    let refusals = 0
    const full: FileSystemOps = {
      ...unsyncedOps,
      open: (path, flags) => {
        if (!path.startsWith(`${directory}/snapshot/`) || flags === "r") return unsyncedOps.open(path, flags)
        refusals += 1
        throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" })
      }
    }
    yield* Effect.scoped(
      Effect.gen(function* () {
        const driver = yield* open(directory, { snapshotFacts: 5, fileSystem: full })
        yield* fill(driver)
        yield* expectWhole(driver)
      })
    )
    expect(refusals).toBe(1)
    const again = yield* open(directory, { fileSystem: unsyncedOps })
    expect(again.report.snapshot.position).toBe(0)
    yield* expectWhole(again)
  })
)

// --- internal ---

const fill = (driver: Driver) =>
  Effect.gen(function* () {
    const store = makeStore(driver)
    for (let round = 0; round <= credits; round++) {
      for (let key = 0; key < keys; key++) {
        yield* store.transact((unit) =>
          unit.execute(accounts, `k${key}`, [round === 0 ? opened("o") : credited(1)])
        )
      }
    }
  })

const expectWhole = (driver: Driver) =>
  Effect.gen(function* () {
    expect(yield* driver.head).toBe(keys * (credits + 1))
    const { items } = yield* makeStore(driver).list(accounts)
    expect(items.map(({ balance }) => balance)).toEqual(Array.from({ length: keys }, () => credits))
  })
