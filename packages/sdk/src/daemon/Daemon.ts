/**
 * The watching service: polls the sources, dispatches what moved upstream, runs the flows and keeps the record in a
 * folder, until it is interrupted. An interruption drains the engine: running steps get their grace, the rest end as
 * lost and run again at the next start.
 */
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { layerLocal } from "../compose.ts"
import * as FeedHttp from "../intake/FeedHttp.ts"
import type { PollReport } from "../intake/Poller.ts"
import * as WatchService from "../intake/WatchService.ts"

export interface DaemonOptions {
  readonly workspaceRoot: string
  /** Where the record is kept, absolute. */
  readonly dataDir: string
  /** The sources file, absolute. */
  readonly sourcesFile: string
  /** The variables of the service; a step gets the short list of a service and what its manifest names. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly npmRegistryUrl?: string
  readonly engine?: EngineOptions
  /** Told each poll. Default: one log line for a poll that found something or failed. */
  readonly onPoll?: (report: PollReport) => Effect.Effect<void>
}

/** Runs the service; ends only when it is interrupted, or fails at its start. */
export const run = (options: DaemonOptions) =>
  Effect.gen(function* () {
    const watch = yield* WatchService.make({
      sourcesFile: options.sourcesFile,
      dataDir: options.dataDir,
      ...(options.npmRegistryUrl === undefined ? {} : { npmRegistryUrl: options.npmRegistryUrl })
    })
    for (const problem of watch.predecessorProblems) yield* Effect.logWarning(problem)
    yield* Effect.logInfo(
      `Watching the sources of ${options.sourcesFile}; the record is in ${options.dataDir}`
    )
    return yield* watch.follow(options.onPoll ?? logPoll)
  }).pipe(
    Effect.provide(
      Layer.merge(
        layerLocal({
          workspaceRoot: options.workspaceRoot,
          state: { kind: "file", dataDir: options.dataDir, access: "write" },
          environment: { mode: "service", values: options.env, secrets: [] },
          engine: { launchedBy: "patchmoi-daemon", ...options.engine }
        }),
        FeedHttp.layer()
      )
    ),
    Effect.withSpan("Daemon.run")
  )

// --- internal ---

const logPoll = (report: PollReport): Effect.Effect<void> => {
  const { sourceId, outcome, signals, skipped, error, note } = report
  const facts = { source: sourceId, outcome, signals: signals.length, skipped: skipped.length }
  if (error !== undefined) return Effect.annotateLogs(Effect.logWarning(`feed.poll_failed: ${error}`), facts)
  if (signals.length === 0 && outcome !== "primed" && note === undefined) return Effect.void
  const accepted = signals.map(({ title, runIds }) => `${title} (${runIds.length} runs)`).join(", ")
  return Effect.annotateLogs(Effect.logInfo(`feed.accepted: ${accepted || (note ?? "primed")}`), facts)
}
