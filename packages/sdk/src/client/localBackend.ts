/** What a client loads when it is first used: the flow service on this machine, behind promises. */
import { resolve } from "node:path"
import { Engine } from "@patchmoi/core/engine/Engine"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { type LocalOptions, layerLocal, type StateKind } from "../compose.ts"
import { Flow } from "../Flow.ts"
import type { WatchOptions, WatchReport } from "../intake/WatchService.ts"
import { toFlowError } from "./errors.ts"
import type { ClientState, FlowClientOptions } from "./FlowClientOptions.ts"

export interface PollSourcesOptions extends WatchOptions {
  /** Whether to wait for the runs. Default: true. */
  readonly wait?: boolean
}

/** The flow service as a client calls it. */
export interface Backend {
  /** Runs an operation of the service. Throws the errors of `errors.ts`; an abort throws the signal's reason. */
  readonly run: <A, E>(
    operation: (flow: typeof Flow.Service) => Effect.Effect<A, E>,
    signal?: AbortSignal
  ) => Promise<A>
  readonly iterate: <A, E>(operation: (flow: typeof Flow.Service) => Stream.Stream<A, E>) => AsyncIterable<A>
  /** Polls every source of a sources file once; with `wait`, returns when the runs that this started have ended. */
  readonly pollSources: (options: PollSourcesOptions, signal?: AbortSignal) => Promise<WatchReport>
  /** Drains the engine and closes the store. */
  readonly close: () => Promise<void>
}

/** Where a client keeps its record when it is told to keep one and not where. */
export const dataDirDefault = ".codex/flow-client"

/** What the options of a client mean, with its defaults. */
export const localOptions = (options: FlowClientOptions): LocalOptions => {
  const workspaceRoot = resolve(options.cwd ?? ".")
  return {
    workspaceRoot,
    ...(options.roots === undefined
      ? {}
      : { flowRoots: options.roots.map((root) => resolve(workspaceRoot, root)) }),
    state: stateOf(options.state ?? "memory", workspaceRoot),
    // effect-disable-next-line processEnv -- The caller of a client is its process, and its steps inherit from it.
    environment: { mode: "inherit", values: options.env ?? process.env, secrets: [] },
    engine: {
      launchedBy: "patchmoi-local-client",
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency })
    }
  }
}

/** Opens the service. */
export const open = async (options: LocalOptions): Promise<Backend> => {
  const runtime = ManagedRuntime.make(Layer.merge(layerLocal(options), Logger.remove(Logger.defaultLogger)))
  const settle = async <A, E>(exit: Promise<Exit.Exit<A, E>>, signal?: AbortSignal): Promise<A> => {
    const ended = await exit
    if (Exit.isSuccess(ended)) return ended.value
    if (signal?.aborted === true && Cause.isInterruptedOnly(ended.cause)) throw signal.reason
    throw toFlowError(Cause.squash(ended.cause))
  }
  const service = await settle(runtime.runPromiseExit(Flow))
  return {
    run: (operation, signal) =>
      settle(runtime.runPromiseExit(operation(service), signal === undefined ? {} : { signal }), signal),
    iterate: (operation) => Stream.toAsyncIterable(Stream.mapError(operation(service), toFlowError)),
    pollSources: async ({ wait = true, ...watchOptions }, signal) => {
      const [WatchService, FeedHttp] = await Promise.all([
        import("../intake/WatchService.ts"),
        import("../intake/FeedHttp.ts")
      ])
      const poll = Effect.gen(function* () {
        const watch = yield* WatchService.make(watchOptions)
        const report = yield* watch.pollOnce
        if (wait) yield* (yield* Engine).awaitRuns(report.runIds)
        return report
      })
      const exit = runtime.runPromiseExit(
        Effect.provide(poll, FeedHttp.layer()),
        signal === undefined ? {} : { signal }
      )
      return await settle(exit, signal)
    },
    close: () => runtime.dispose()
  }
}

// --- internal ---

const stateOf = (state: ClientState, workspaceRoot: string): StateKind => {
  if (state === false) return { kind: "none" }
  if (state === "memory") return { kind: "memory" }
  return { kind: "file", dataDir: resolve(workspaceRoot, state.dataDir ?? dataDirDefault), access: "write" }
}
