/** The client of a server alone: what a browser, or a program that never runs flows itself, loads. */
import type { Backend } from "./Backend.ts"
import { FlowCalls } from "./FlowCalls.ts"
import type { HttpFlowClientOptions } from "./http/HttpClientOptions.ts"

/** A client of a server. Effect is loaded when it is first used. */
export class HttpFlowClient extends FlowCalls {
  readonly #options: HttpFlowClientOptions

  /** Nothing is asked of the server before the first call, which also checks the options (`InvalidOptions`). */
  constructor(options: HttpFlowClientOptions) {
    super()
    this.#options = options
  }

  protected async connect(): Promise<Backend> {
    return (await import("./httpBackend.ts")).open(this.#options)
  }
}

/** A client of a server; the same as `new HttpFlowClient(options)`. */
export const createHttpFlowClient = (options: HttpFlowClientOptions): HttpFlowClient =>
  new HttpFlowClient(options)
