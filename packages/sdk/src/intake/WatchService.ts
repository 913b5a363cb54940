/**
 * Watches the sources of a sources file: polls each one in its own interval, or all of them once.
 *
 * 1. Polls of one source never overlap, and a slow or broken source holds up no other; at most {@link followConcurrency}
 *    polls are under way.
 * 2. The file is looked at again while the service runs: a changed one takes effect within {@link reloadMillis}; one that
 *    cannot be read any more is told, and the sources known so far are watched on.
 * 3. A file that cannot be read at the start is an error: nothing would be watched.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { EventId, RunId } from "@patchmoi/core/Ids"
import type { StoreError, VersionConflict } from "@patchmoi/core/store/Log"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as FiberMap from "effect/FiberMap"
import { remoteBackendOf, type Variables } from "../outbox/RemoteTarget.ts"
import { withReachableTargets } from "../outbox/withReachableTargets.ts"
import { decodeFeedState, type FeedState } from "./FeedState.ts"
import * as Poller from "./Poller.ts"
import type { Source } from "./Source.ts"
import {
  type BrokenSource,
  readSourcesFile,
  type SourcesFile,
  type SourcesFileOptions,
  type SourceWarning
} from "./SourcesFile.ts"

/** How often the sources file is looked at, in milliseconds. */
export const reloadMillis = 5_000

/** How many sources `pollOnce` polls at the same time. */
export const pollConcurrency = 8

/** How many sources `follow` polls at the same time; the others wait for their turn. */
export const followConcurrency = 64

/** Which sources are watched, and what is known besides their file. */
export interface WatchOptions extends Omit<SourcesFileOptions, "file"> {
  /** The path of the sources file, relative to the working directory. */
  readonly sourcesFile: string
  /** The folder where a predecessor may have left its `feed-state.json`. Default: none. */
  readonly dataDir?: string
  /** The variables that targets of sources name, and those that name a backend for all of them. Default: none. */
  readonly variables?: Variables
  /** Told the names of the secrets in the file each time that it is read, before any of its sources is polled. */
  readonly onSecretNames?: (names: ReadonlyArray<string>) => void
}

/** What one poll of all sources came to. */
export interface WatchReport {
  readonly polls: ReadonlyArray<Poller.PollReport>
  readonly broken: ReadonlyArray<BrokenSource>
  readonly warnings: ReadonlyArray<SourceWarning>
  /** The events that were dispatched, and the runs that they were given. */
  readonly eventIds: ReadonlyArray<EventId>
  readonly runIds: ReadonlyArray<RunId>
}

/** Makes the service over the engine, the store and the HTTP client of the context. */
export const make = (options: WatchOptions) =>
  Effect.gen(function* () {
    const pollSource = yield* Poller.make
    const predecessor = yield* readPredecessor(options.dataDir)
    const { sourcesFile, dataDir: _, onSecretNames, variables = {}, ...fileOptions } = options
    const load = readSourcesFile(sourcesFile, fileOptions).pipe(
      Effect.tap(({ secretNames }) => Effect.sync(() => onSecretNames?.(secretNames))),
      Effect.map((file) => withReachableTargets(file, variables))
    )

    const poll = (source: Source): Effect.Effect<Poller.PollReport, StoreError | VersionConflict> => {
      const known = predecessor.sources.get(source.id)
      const backend = Either.getOrUndefined(remoteBackendOf(source.target, variables))
      return pollSource(source, {
        ...(known === undefined ? {} : { predecessor: known }),
        ...(backend === undefined ? {} : { backend })
      })
    }

    /** Polls every source once. Fails when the file cannot be read or the store refuses. */
    const pollOnce = Effect.gen(function* () {
      const { sources, broken, warnings } = yield* load
      const polls = yield* Effect.forEach(sources, poll, { concurrency: pollConcurrency })
      const signals = polls.flatMap((report) => report.signals)
      return {
        polls,
        broken,
        warnings,
        eventIds: signals.flatMap(({ eventId }) => eventId ?? []),
        runIds: signals.flatMap(({ runIds }) => runIds)
      } satisfies WatchReport
    }).pipe(Effect.withSpan("WatchService.pollOnce"))

    /** Polls until it is interrupted; `onPoll` is told every report. */
    const follow = (onPoll: (report: Poller.PollReport) => Effect.Effect<void>) =>
      Effect.gen(function* () {
        const loops = yield* FiberMap.make<string, never, never>()
        const slots = yield* Effect.makeSemaphore(followConcurrency)
        const tell = tellOnce()
        const watched = new Map<string, string>()

        const pollForever = (source: Source) =>
          slots
            .withPermits(1)(poll(source))
            .pipe(
              Effect.flatMap(onPoll),
              Effect.catchAll((error) => Effect.logError(`Source ${source.id} could not be polled`, error)),
              Effect.zipRight(Effect.sleep(source.pollIntervalSeconds * 1_000)),
              Effect.forever
            )

        /** Brings the loops in step with the file: new and changed sources start, those that are gone stop. */
        const apply = Effect.fnUntraced(function* ({ sources, broken, warnings }: SourcesFile) {
          yield* tell([
            ...broken.map(({ message }) => message),
            ...warnings.map(({ path, message }) => `${path}: ${message}`)
          ])
          const wanted = new Map(sources.map((source) => [String(source.id), source]))
          for (const id of [...watched.keys()].filter((known) => !wanted.has(known))) {
            watched.delete(id)
            yield* FiberMap.remove(loops, id)
          }
          for (const [id, source] of wanted) {
            const text = JSON.stringify(source)
            if (watched.get(id) === text) continue
            watched.set(id, text)
            // Waits until the loop before has ended; `run` alone would start beside it.
            yield* FiberMap.remove(loops, id)
            yield* FiberMap.run(loops, id, pollForever(source))
          }
        })

        yield* Effect.flatMap(load, apply)
        const reload = Effect.matchEffect(load, {
          onFailure: ({ message }) =>
            tell([`The sources known so far are watched on: the sources file cannot be read. ${message}`]),
          onSuccess: apply
        })
        const reloading = Effect.forever(Effect.zipRight(Effect.sleep(reloadMillis), reload))
        // A loop never ends by itself: if one does, it is a bug, and is not to pass for a source without news.
        return yield* Effect.raceFirst(reloading, Effect.zipRight(FiberMap.join(loops), Effect.never))
      }).pipe(Effect.scoped, Effect.withSpan("WatchService.follow"))

    return { pollOnce, follow, predecessorProblems: predecessor.problems }
  })

// --- internal ---

/**
 * The state that a predecessor left; the second counts where both are there, as the store keeps the predecessor's under
 * that name once it writes its own. In this order, the store may rename it in between and it is not missed.
 */
const predecessorFiles = ["feed-state.json", "feed-state.json.before-patchmoi"]

const noPredecessor: FeedState = { sources: new Map(), problems: [] }

/** Warns of problems: once when they appear, and again only when they have changed. */
const tellOnce = () => {
  let told = ""
  return (problems: ReadonlyArray<string>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const text = problems.join("\n")
      if (text === told) return Effect.void
      told = text
      return Effect.forEach(problems, (problem) => Effect.logWarning(problem), { discard: true })
    })
}

const readPredecessor = Effect.fnUntraced(function* (dataDir: string | undefined) {
  if (dataDir === undefined) return noPredecessor
  let state = noPredecessor
  for (const name of predecessorFiles) {
    const path = join(dataDir, name)
    const text = yield* Effect.promise(() => readFile(path, "utf8").catch(() => undefined))
    if (text === undefined) continue
    state = Either.getOrElse(decodeFeedState(text, { file: path }), (error) => ({
      ...noPredecessor,
      problems: [error.message]
    }))
  }
  return state
})
