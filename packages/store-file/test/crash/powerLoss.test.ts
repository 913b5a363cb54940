/**
 * Goal: what was acknowledged survives the loss of power, not only of the process. Method: the file operations keep
 * track of what was synced; images of that, taken all along a run of writers, are opened and compared with what was
 * acknowledged before each. `TEST_LONG=1` takes an image before every operation.
 */
import { expect } from "bun:test"
import * as fs from "node:fs"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { make } from "../../src/FileStore.ts"
import type { FileSystemOps } from "../../src/internal/fileOps.ts"
import { verify } from "../../src/LogMaintenance.ts"
import { commitOf, temporaryFolder, unsyncedOps } from "../support.ts"
import { powerLoss, type Unsynced } from "./powerLoss.ts"
import { linesOf, projections, segmentBytesMax, snapshotFacts } from "./sample.ts"

const imageEvery = process.env["TEST_LONG"] === "1" ? 1 : 3

for (const unsynced of ["lost", "half"] as const) {
  it.live(
    `images of the disk hold what was acknowledged; bytes that were not synced: ${unsynced}`,
    () =>
      Effect.gen(function* () {
        const folder = yield* temporaryFolder
        const images = yield* writeAndTakeImages(folder, unsynced)
        expect(images.length).toBeGreaterThan(20)
        expect(images.at(-1)?.acknowledged).toBe(120)
        for (const { directory, acknowledged } of images) {
          const rows = yield* Effect.scoped(
            Effect.gen(function* () {
              const options = { directory, aggregates: [], projections, segmentBytesMax, snapshotFacts }
              const driver = yield* make({ ...options, fileSystem: unsyncedOps })
              return yield* driver.readAfter(0, 10_000)
            })
          )
          expect(rows.length).toBeGreaterThanOrEqual(acknowledged)
          const events = `${directory}/events.jsonl`
          const shown = fs.existsSync(events) ? fs.readFileSync(events, "utf8") : ""
          expect(shown).toBe(
            rows
              .flatMap(linesOf)
              .map((line) => `${line}\n`)
              .join("")
          )
        }
      }),
    300_000
  )
}

it.live("what a writer left unsynced is on the disk before anything is built on it", () =>
  Effect.gen(function* () {
    const folder = yield* temporaryFolder
    const root = `${folder}/store`
    const write = (stream: string, fileSystem: FileSystemOps) =>
      Effect.scoped(
        Effect.flatMap(make({ directory: root, aggregates: [], segmentBytesMax: 1, fileSystem }), (driver) =>
          driver.commit(commitOf(stream, 1))
        )
      )
    yield* write("account/a", unsyncedOps)
    // Nothing of the first writer counts as synced; the folder itself does.
    const disk = powerLoss(() => undefined)
    disk.ops.syncDirectory(root)
    expect(yield* write("account/b", disk.ops)).toBe(2)
    disk.image(root, `${folder}/image`, "lost")
    expect(yield* verify({ directory: `${folder}/image` })).toMatchObject({ facts: 2, flaw: undefined })
  })
)

// --- internal ---

/** Five writers of twelve commits of two facts each. */
const writeAndTakeImages = (folder: string, unsynced: Unsynced) =>
  Effect.gen(function* () {
    const root = `${folder}/store`
    fs.mkdirSync(root)
    const images: Array<{ readonly directory: string; readonly acknowledged: number }> = []
    let acknowledged = 0
    let operations = 0
    const takeImage = () => {
      const directory = `${folder}/image-${images.length}`
      disk.image(root, directory, unsynced)
      images.push({ directory, acknowledged })
    }
    const disk = powerLoss(() => {
      operations += 1
      if (operations % imageEvery === 0) takeImage()
    })
    yield* Effect.scoped(
      Effect.gen(function* () {
        const driver = yield* make({
          directory: root,
          aggregates: [],
          projections,
          segmentBytesMax,
          snapshotFacts,
          fileSystem: disk.ops
        })
        const writer = (name: number) =>
          Effect.forEach(
            Array.from({ length: 12 }, (_, index) => 1 + index * 2),
            (version) =>
              Effect.map(driver.commit(commitOf(`account/${name}`, version, 2)), (position) => {
                acknowledged = Math.max(acknowledged, position)
              })
          )
        yield* Effect.forEach([1, 2, 3, 4, 5], writer, { concurrency: "unbounded", discard: true })
        takeImage()
      })
    )
    return images
  })
