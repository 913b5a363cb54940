/** What a client loads when it is first used: the flow service on this machine, behind promises. */
import { resolve } from "node:path"
import type { Engine } from "@patchmoi/core/engine/Engine"
import type { Store } from "@patchmoi/core/store/Store"
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Stream from "effect/Stream"
import { type LocalOptions, layerLocal, type StateKind } from "../compose.ts"
import { Flow } from "../Flow.ts"
import type { WatchReport } from "../intake/WatchService.ts"
import { checkOptions } from "./checkOptions.ts"
import { ClientClosed, toFlowError } from "./errors.ts"
import type { ClientState, FlowClientOptions } from "./FlowClientOptions.ts"
import type { PollSourcesOptions } from "./pollSources.ts"

/** The flow service as a client calls it. */
export interface Backend {
  /** Runs an operation of the service. Throws the errors of `errors.ts`; an abort throws the signal's reason. */
  readonly run: <A, E>(
    operation: (flow: typeof Flow.Service) => Effect.Effect<A, E>,
    signal?: AbortSignal
  ) => Promise<A>
  /** Gives what a stream of the service gives. Throws as `run` does. */
  readonly iterate: <A, E>(
    operation: (flow: typeof Flow.Service) => Stream.Stream<A, E>,
    signal?: AbortSignal
  ) => AsyncGenerator<A, void>
  /** Polls every source of a sources file once; with `wait`, returns when the runs that this started have ended. */
  readonly pollSources: (options: PollSourcesOptions, signal?: AbortSignal) => Promise<WatchReport>
  /** Drains the engine and closes the store; what is under way after that throws `ClientClosed`. */
  readonly close: () => Promise<void>
}

/** Where a client keeps its record when it is told to keep one and not where. */
export const dataDirDefault = ".codex/flow-client"

/** What the options of a client mean, with its defaults. Throws `InvalidOptions`. */
export const localOptions = (options: FlowClientOptions): LocalOptions => {
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
      ...(options.concurrency === undefined ? {} : { concurrency: options.concurrency })
    }
  }
}

/** Opens the service. */
export const open = async (options: LocalOptions): Promise<Backend> => {
  // A library prints nothing: what an operator should know is in the record and in the errors.
  const quiet = Logger.remove(Logger.defaultLogger)
  const secrets = [...options.environment.secrets]
  const environment = { ...options.environment, secrets }
  const runtime = ManagedRuntime.make(Layer.provideMerge(layerLocal({ ...options, environment }), quiet))
  const closing = new AbortController()

  const run = async <A, E>(
    operation: Effect.Effect<A, E, Flow | Engine | Store>,
    signal?: AbortSignal
  ): Promise<A> => {
    const ended = await runtime.runPromiseExit(operation, { signal: either(closing.signal, signal) })
    if (Exit.isSuccess(ended)) return ended.value
    throw thrownFor(ended.cause, closing.signal, signal)
  }

  async function* iterate<A, E>(stream: Stream.Stream<A, E>, signal?: AbortSignal): AsyncGenerator<A, void> {
    const cut = Stream.interruptWhen(stream, aborted(either(closing.signal, signal)))
    try {
      yield* Stream.toAsyncIterable(cut)
    } catch (error) {
      throw error instanceof Aborted ? thrownFor(Cause.empty, closing.signal, signal) : toFlowError(error)
    }
  }

  const close = async (): Promise<void> => {
    await runtime.dispose()
    closing.abort()
  }

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
      return await run(pollSources({ ...poll, onSecretNames }), signal)
    },
    close
  }
}

// --- internal ---

/** Ends a stream whose signal was aborted. Never seen outside. */
class Aborted extends Data.TaggedError("Aborted") {}

const either = (closing: AbortSignal, signal: AbortSignal | undefined): AbortSignal =>
  signal === undefined ? closing : AbortSignal.any([closing, signal])

/** Fails once the signal is aborted. */
const aborted = (signal: AbortSignal): Effect.Effect<never, Aborted> =>
  Effect.async((resume) => {
    const abort = () => resume(Effect.fail(new Aborted()))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    return Effect.sync(() => signal.removeEventListener("abort", abort))
  })

/** What a caller sees of a failure: an abort is the caller's own reason, and a close is told as one. */
const thrownFor = (
  cause: Cause.Cause<unknown>,
  closing: AbortSignal,
  signal: AbortSignal | undefined
): unknown => {
  const isStopped = Cause.isEmpty(cause) || Cause.isInterruptedOnly(cause)
  if (isStopped && signal?.aborted === true) return signal.reason
  if (isStopped && closing.aborted) return new ClientClosed("The client was closed meanwhile", {})
  return toFlowError(Cause.squash(cause))
}

const stateOf = (state: ClientState, workspaceRoot: string): StateKind => {
  if (state === false) return { kind: "none" }
  if (state === "memory") return { kind: "memory" }
  return { kind: "file", dataDir: resolve(workspaceRoot, state.dataDir ?? dataDirDefault), access: "write" }
}
