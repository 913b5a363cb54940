/** What a client loads when it is first used: the flow service on this machine, behind promises. */
import { resolve } from "node:path"
import type { Engine } from "@patchmoi/core/engine/Engine"
import type { Store } from "@patchmoi/core/store/Store"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { layerLocal } from "../compose.ts"
import type { LocalOptions, StateKind } from "../composeEngine.ts"
import { Flow } from "../Flow.ts"
import type { WatchReport } from "../intake/WatchService.ts"
import { type Backend, makeRunning } from "./Backend.ts"
import { checkOptions } from "./checkOptions.ts"
import type { ClientState, LocalClientOptions } from "./FlowClientOptions.ts"
import type { PollSourcesOptions } from "./pollSources.ts"

/** The flow service on this machine: it can poll sources too. */
export interface LocalBackend extends Backend {
  /** Polls every source of a sources file once; with `wait`, returns when the runs that this started have ended. */
  readonly pollSources: (options: PollSourcesOptions, signal?: AbortSignal) => Promise<WatchReport>
}

/** Where a client keeps its record when it is told to keep one and not where. */
export const dataDirDefault = ".codex/flow-client"

/** What the options of a client mean, with its defaults. Throws `InvalidOptions`. */
export const localOptions = (options: LocalClientOptions): LocalOptions => {
  checkOptions(options)
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
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency }),
      ...(options.queueMax === undefined ? {} : { queueMax: options.queueMax })
    }
  }
}

/** Opens the service. */
export const open = async (options: LocalOptions): Promise<LocalBackend> => {
  // A library prints nothing: what an operator should know is in the record and in the errors.
  // Nor does anybody collect its spans: programs that do provide the layers of `@patchmoi/sdk/effect`.
  const quiet = Layer.merge(Logger.remove(Logger.defaultLogger), Layer.setTracerEnabled(false))
  const secrets = [...options.environment.secrets]
  const environment = { ...options.environment, secrets }
  const runtime = ManagedRuntime.make(Layer.provideMerge(layerLocal({ ...options, environment }), quiet))
  const { run, iterate, stop } = makeRunning<Flow | Engine | Store>((effect, options) =>
    runtime.runPromiseExit(effect, options)
  )

  const service = await run(Flow).catch(async (error: unknown) => {
    await runtime.dispose()
    throw error
  })
  return {
    run: (operation, signal) => run(operation(service), signal),
    iterate: (operation, signal) => iterate(operation(service), signal),
    pollSources: async (poll, signal) => {
      const { pollSources } = await import("./pollSources.ts")
      const onSecretNames = (names: ReadonlyArray<string>): void =>
        void secrets.push(...names.filter((name) => !secrets.includes(name)))
      return await run(pollSources({ variables: environment.values, ...poll, onSecretNames }), signal)
    },
    close: async () => {
      await runtime.dispose()
      stop()
    }
  }
}

// --- internal ---

const stateOf = (state: ClientState, workspaceRoot: string): StateKind => {
  if (state === false) return { kind: "none" }
  if (state === "memory") return { kind: "memory" }
  return {
    kind: state.kind,
    dataDir: resolve(workspaceRoot, state.dataDir ?? dataDirDefault),
    access: "write"
  }
}
