/** One poll of every source for a client, and the wait for the runs that it started. Loaded when a client first polls. */
import { Engine } from "@patchmoi/core/engine/Engine"
import * as Effect from "effect/Effect"
import * as FeedHttp from "../intake/FeedHttp.ts"
import * as WatchService from "../intake/WatchService.ts"

/** Which sources are polled. Paths are relative to the working directory of the process, not to `cwd` of the client. */
export interface PollSourcesOptions extends Omit<WatchService.WatchOptions, "onSecretNames" | "variables"> {
  /** Whether to wait for the runs. Default: true. */
  readonly wait?: boolean
}

/** Polls every source of a sources file once; with `wait`, returns when the runs that this started have ended. */
export const pollSources = Effect.fn("pollSources")(
  function* ({ wait = true, ...options }: PollSourcesOptions & WatchService.WatchOptions) {
    const watch = yield* WatchService.make(options)
    const report = yield* watch.pollOnce
    if (wait) yield* (yield* Engine).awaitRuns(report.runIds)
    return report
  },
  Effect.provideService(FeedHttp.FeedHttp, FeedHttp.make())
)
