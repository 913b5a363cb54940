/**
 * The watching service: polls the sources, dispatches what moved upstream, runs the flows and keeps the record in a
 * folder, until it is interrupted. An interruption drains the engine: running steps get their grace, the rest end as
 * lost and run again at the next start.
 */
import { availableParallelism } from "node:os"
import { type EngineOptions, withDefaults } from "@patchmoi/core/engine/EngineOptions"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerOverStore } from "../compose.ts"
import { layerStore } from "../composeEngine.ts"
import type { RunningSteps } from "../executor/RunningSteps.ts"
import * as FeedHttp from "../intake/FeedHttp.ts"
import type { PollReport } from "../intake/Poller.ts"
import { readSourcesFile } from "../intake/SourcesFile.ts"
import * as WatchService from "../intake/WatchService.ts"
import { findRecordKind } from "../record/recordKind.ts"
import { holdServiceLease } from "../record/serviceLease.ts"
import type { StoreKind } from "../record/storeKinds.ts"
import * as RunLog from "./RunLog.ts"

/** What the watching service polls, runs and keeps; `patchmoi watch` takes it from flags and variables. */
export interface DaemonOptions {
  /** The workspace: where flows are looked for, and what their paths may not leave. Absolute. */
  readonly workspaceRoot: string
  /** Where the record is kept, absolute. */
  readonly dataDir: string
  /** The store of the folder. Default: the one that it holds, else `file`. */
  readonly store?: StoreKind | undefined
  /** The sources file, absolute. */
  readonly sourcesFile: string
  /** The variables of the service; a step gets the short list of a service and what its manifest names. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Base URL of the npm registry: `npm` sources may then leave out `url`. Default: none, `url` is required. */
  readonly npmRegistryUrl?: string
  /** Default: those of the engine, with as many runs at once as there are cores, and `launchedBy` `patchmoi-daemon`. */
  readonly engine?: EngineOptions
  /** Told which steps run, for whoever ends the process without a stop. */
  readonly runningSteps?: RunningSteps
  /** Told each poll. Default: one log line for a poll that found something or failed. */
  readonly onPoll?: (report: PollReport) => Effect.Effect<void>
}

/** Runs the service; ends only when it is interrupted, or fails at its start. */
export const run = (options: DaemonOptions) =>
  Effect.flatMap(readSourcesFile(options.sourcesFile, fileOptionsOf(options)), (known) =>
    Effect.zipRight(
      known.sources.length + known.broken.length === 0
        ? Effect.logWarning(`no sources in ${options.sourcesFile}; the file is read again now and then`)
        : Effect.void,
      // Read before the engine starts: what is still queued in the folder may run at once, and is to see no secret.
      watchWith(options, [...known.secretNames])
    )
  ).pipe(Effect.withSpan("Daemon.run"))

// --- internal ---

const fileOptionsOf = ({ npmRegistryUrl }: DaemonOptions) =>
  npmRegistryUrl === undefined ? {} : { npmRegistryUrl }

/** Opens the folder and watches; `secrets` grows as the sources file changes. */
const watchWith = Effect.fnUntraced(function* (options: DaemonOptions, secrets: Array<string>) {
  const { workspaceRoot, dataDir, engine = {}, runningSteps } = options
  const kind = yield* findRecordKind(dataDir, options.store, "file")
  const state = { kind, dataDir, access: "write" } as const
  const store = yield* Layer.build(layerStore(state))
  // Told from before the engine starts until after it is drained: it is opened and closed within.
  const runLog = yield* Effect.provide(RunLog.make(), store)
  const local = layerOverStore({
    workspaceRoot,
    state,
    environment: { mode: "service", values: options.env, secrets },
    ...(runningSteps === undefined ? {} : { runningSteps }),
    engine: { launchedBy: "patchmoi-daemon", concurrency: availableParallelism(), ...engine }
  })
  const watching = Effect.gen(function* () {
    const services = yield* Layer.build(Layer.merge(local, FeedHttp.layer()))
    yield* Effect.addFinalizer(() => runLog.stopping(withDefaults(engine, "").shutdownGraceMillis))
    yield* holdServiceLease
    return yield* Effect.provide(watch(options, secrets), services)
  })
  return yield* Effect.provide(Effect.scoped(watching), store)
}, Effect.scoped)

const watch = Effect.fnUntraced(function* (options: DaemonOptions, secrets: Array<string>) {
  const { sourcesFile, dataDir } = options
  const { predecessorProblems, follow } = yield* WatchService.make({
    sourcesFile,
    dataDir,
    variables: options.env,
    ...fileOptionsOf(options),
    onSecretNames: (names) => void secrets.push(...names.filter((name) => !secrets.includes(name)))
  })
  for (const problem of predecessorProblems) yield* Effect.logWarning(problem)
  yield* Effect.logInfo(`Watching the sources of ${sourcesFile}; the record is in ${dataDir}`)
  return yield* follow(options.onPoll ?? logPoll)
})

const logPoll = (report: PollReport): Effect.Effect<void> => {
  const { sourceId, outcome, signals, skipped, error, note } = report
  const facts = { source: sourceId, outcome, signals: signals.length, skipped: skipped.length }
  if (error !== undefined) return Effect.annotateLogs(Effect.logWarning(`feed.poll_failed: ${error}`), facts)
  if (signals.length === 0 && outcome !== "primed" && note === undefined) return Effect.void
  const accepted = signals.map(({ title, runIds }) => `${title} (${runIds.length} runs)`).join(", ")
  return Effect.annotateLogs(Effect.logInfo(`feed.accepted: ${accepted || (note ?? "primed")}`), facts)
}
