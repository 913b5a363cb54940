/**
 * The client for code that speaks promises. Nothing heavy is loaded until its first call.
 *
 *     await using client = await FlowClient.open({ mode: "local", cwd: "." })
 *     const { runs } = await client.dispatchEvent({ id: "1", type: "upstream.release", payload: { tag: "v1" } })
 */
import type { WatchReport } from "../intake/WatchService.ts"
import type { Backend } from "./Backend.ts"
import { InvalidOptions } from "./errors.ts"
import { type CallOptions, FlowCalls } from "./FlowCalls.ts"
import type { FlowClientOptions } from "./FlowClientOptions.ts"
import type { LocalBackend } from "./localBackend.ts"
import type { PollSourcesOptions } from "./pollSources.ts"

/**
 * A client on this machine (`mode: "local"`) or of a server (`mode: "http"`); the calls and what they give are the same.
 *
 * On this machine it holds its store, and the process, until it is closed. Besides what {@link FlowCalls} says, any call
 * may throw while the client is not open yet:
 *
 * @throws {InvalidOptions} an option is not what it must be; `field` names it.
 * @throws {StoreLocked} another process writes into the folder.
 * @throws {LogDamaged} the log in the folder is damaged.
 */
export class FlowClient extends FlowCalls<Backend | LocalBackend> {
  constructor(readonly options: FlowClientOptions) {
    super()
  }

  /**
   * Opens a client at once, so that what is wrong with its options or its store is told here. Over HTTP nothing is asked
   * of the server yet.
   *
   * @throws {InvalidOptions} an option is not what it must be; `field` names it.
   * @throws {StoreLocked} another process writes into the folder.
   * @throws {LogDamaged} the log in the folder is damaged.
   * @throws {StoreError} the folder cannot be read or written.
   */
  static async open(options: FlowClientOptions): Promise<FlowClient> {
    const client = new FlowClient(options)
    await client.opened()
    return client
  }

  /**
   * Polls every source of a sources file once: what is new becomes signals, events, runs and maintenance attempts. Waits
   * for the runs, unless `wait` is false. A source that cannot be read is told in the report and stops no other.
   *
   * @throws {SourcesFileError} the file as a whole cannot be used.
   * @throws {InvalidOptions} the client speaks HTTP: sources are polled where the engine is.
   */
  async pollSources(options: PollSourcesOptions & CallOptions): Promise<WatchReport> {
    const { signal, ...poll } = options
    signal?.throwIfAborted()
    const backend = await this.opened()
    if ("pollSources" in backend) return await backend.pollSources(poll, signal)
    throw new InvalidOptions('pollSources polls from this machine: open a client with mode "local"', {
      field: "mode"
    })
  }

  protected async connect(): Promise<Backend | LocalBackend> {
    // Programs without types may give nothing at all, which the check of the local options tells.
    if (this.options?.mode === "http") return (await import("./httpBackend.ts")).open(this.options)
    const { open, localOptions } = await import("./localBackend.ts")
    return await open(localOptions(this.options))
  }
}

/** A client on this machine or of a server; the same as `new FlowClient(options)`. */
export const createFlowClient = (options: FlowClientOptions): FlowClient => new FlowClient(options)
