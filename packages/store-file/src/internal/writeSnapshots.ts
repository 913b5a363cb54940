/**
 * Takes snapshots of a store that is being written: what changed since the last one goes into a new file, together with
 * the newest of the files before it where that keeps their number small.
 *
 * 1. Commits go on meanwhile: what is written was set aside, and the work is done in short turns.
 * 2. A file is on the disk before the manifest names it. A crash at any point leaves the snapshot before, or the new one.
 * 3. A disk that refuses costs the snapshot, never the log: it is told, and none is taken until the store is opened again.
 */
import { setImmediate as nextTurn } from "node:timers/promises"
import type { StoreError } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import { makeDurableDirectory } from "./fileOps.ts"
import { mergeLayers } from "./LayeredTable.ts"
import { layout } from "./layout.ts"
import type { Replica } from "./Replica.ts"
import { markedSegments, writeManifest } from "./snapshotFormat.ts"
import { type Entry, SortedFile, SortedWriter } from "./sortedFile.ts"
import { storing, storingLater } from "./storing.ts"

/** Facts after which closing the store takes a snapshot; fewer are read again sooner than a file is written. */
export const factsAtCloseMin = 1_000

export interface SnapshotOptions {
  /** The folder of the store. */
  readonly directory: string
  /** What folds the documents (`foldMark`). */
  readonly fold: string
  /** Facts after which one is taken. */
  readonly factsMax: number
  readonly unknown: ReadonlyMap<string, number>
}

/**
 * Takes snapshots until the scope closes, and then one more. Gives what a commit awaits before it is written: where commits
 * come faster than snapshots for long, they wait, so that what is in memory stays bounded.
 */
export const writeSnapshots = (
  replica: Replica,
  options: SnapshotOptions
): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { index } = replica
    const { factsMax } = options
    const caughtUp = yield* Effect.makeLatch(true)
    let works = true
    const take = Effect.suspend(() => takeSnapshot(replica, options)).pipe(
      Effect.catchAll((error) => {
        works = false
        return Effect.logWarning(
          `No snapshot was taken, and opening the store takes longer: ${error.message}`
        )
      }),
      Effect.zipRight(caughtUp.open),
      Effect.uninterruptible
    )
    const taking = Effect.gen(function* () {
      while (works) {
        yield* replica.awaitBeyond(index.base + factsMax - 1)
        yield* take
      }
    }).pipe(Effect.catchAll((error) => Effect.logWarning(`No snapshots are taken: ${error.message}`)))
    const fiber = yield* Effect.forkScoped(taking)
    yield* Effect.addFinalizer(() =>
      Effect.zipRight(
        Fiber.interrupt(fiber),
        Effect.suspend(() =>
          works && index.head - index.base >= Math.min(factsAtCloseMin, factsMax) ? take : Effect.void
        )
      )
    )
    const keptUp: Effect.Effect<void> = Effect.suspend(() => {
      if (!works || index.head - index.base < behindFactor * factsMax) return Effect.void
      caughtUp.unsafeClose()
      return Effect.zipRight(caughtUp.await, keptUp)
    })
    return keptUp
  })

// --- internal ---

/** Commits wait when so many times the facts of a snapshot are in memory. */
const behindFactor = 4

const operation = "take a snapshot"

/** Entries that are written in one turn. */
const turnEntries = 512
/** Bytes that are gathered before they are written. */
const writeBytes = 262_144

/** Files that there may be; more are merged in any case. */
const filesMax = 16

/** Files that are merged have at most this many times the entries of those above them: so each entry is written a few times only. */
const mergeFactor = 4

const takeSnapshot = (replica: Replica, options: SnapshotOptions): Effect.Effect<void, StoreError> =>
  Effect.gen(function* () {
    const { ops, table, index } = replica
    const { snapshot: folder, log } = layout(options.directory)
    const { frozen, tail, segments } = yield* storing(operation, () => {
      const marked = markedSegments(ops, log, index.segments)
      return { frozen: table.freeze(), tail: index.freeze(), segments: marked }
    })
    const places = yield* storing(operation, tail.entries)
    const newest = frozen.sorted(places)
    // Merging takes longer than what is new alone: it is left for a time when fewer facts come.
    const isHurried = tail.head - index.base > 2 * options.factsMax && table.files.length < filesMax
    const merged = isHurried ? [] : mergedFiles(table.files, frozen.size + places.size)
    const kept = table.files.slice(0, table.files.length - merged.length)
    const layers: ReadonlyArray<Iterable<Entry>> = [
      newest,
      ...merged.toReversed().map((file) => file.ascending(""))
    ]
    const file = yield* writeFile(replica, folder, tail.head, mergeLayers(layers, 1), kept.length === 0)
    const files = [...kept, file]
    yield* storing(operation, () => {
      writeManifest(ops, folder, {
        fold: options.fold,
        position: tail.head,
        segments,
        files: files.map(({ path, count, top }) => ({
          name: path.slice(folder.length + 1),
          bytes: ops.size(path) ?? 0,
          count,
          top
        })),
        unknown: Object.fromEntries(options.unknown)
      })
      table.filed(files)
      index.filed()
      for (const retired of merged) ops.close(retired.file)
      removeOthers(replica, folder, files)
    })
  })

/** The newest files that are written anew together with so many entries. */
const mergedFiles = (files: ReadonlyArray<SortedFile>, entries: number): ReadonlyArray<SortedFile> => {
  let total = entries
  let from = files.length
  for (const { count } of files.toReversed()) {
    if (count > mergeFactor * total) break
    total += count
    from -= 1
  }
  return files.slice(from)
}

/** Writes a file whose name appears when it is on the disk. `isFirst`: nothing lies below it, so that keys that are gone can be left out. */
const writeFile = (
  { ops }: Replica,
  folder: string,
  position: number,
  entries: Iterator<Entry>,
  isFirst: boolean
): Effect.Effect<SortedFile, StoreError> =>
  Effect.gen(function* () {
    const partial = `${folder}/.new`
    const path = `${folder}/${String(position).padStart(20, "0")}.table`
    const opened = yield* storing(operation, () => {
      makeDurableDirectory(ops, folder)
      return ops.open(partial, "w")
    })
    const chunks: Array<Uint8Array> = []
    let gathered = 0
    const writeOut = (): void => {
      ops.write(opened, Buffer.concat(chunks))
      chunks.length = 0
      gathered = 0
    }
    const writer = new SortedWriter((bytes) => {
      chunks.push(bytes)
      gathered += bytes.length
      if (gathered >= writeBytes) writeOut()
    })
    const writing = Effect.gen(function* () {
      while (yield* storing(operation, () => writeTurn(writer, entries, isFirst))) {
        yield* Effect.promise(() => nextTurn())
      }
      const top = yield* storing(operation, () => {
        const place = writer.finish()
        if (place === undefined) throw new Error("there is nothing to write")
        writeOut()
        return place
      })
      yield* storingLater(operation, () => ops.syncLater(opened))
      return top
    })
    const top = yield* Effect.ensuring(
      writing,
      Effect.sync(() => ops.close(opened))
    )
    return yield* storing(operation, () => {
      ops.rename(partial, path)
      ops.syncDirectory(folder)
      return new SortedFile(ops, path, ops.open(path, "r"), top, writer.count)
    })
  })

/** Writes some entries; false when there are no more. */
const writeTurn = (writer: SortedWriter, entries: Iterator<Entry>, isFirst: boolean): boolean => {
  for (let turn = 0; turn < turnEntries; turn++) {
    const next = entries.next()
    if (next.done === true) return false
    const [key, value] = next.value
    if (value !== null || !isFirst) writer.add(key, value)
  }
  return true
}

/** Removes what no manifest names. */
const removeOthers = ({ ops }: Replica, folder: string, files: ReadonlyArray<SortedFile>): void => {
  const named = new Set(files.map(({ path }) => path))
  for (const name of ops.list(folder)) {
    const path = `${folder}/${name}`
    if (name.endsWith(".table") && !named.has(path)) ops.remove(path)
  }
}
