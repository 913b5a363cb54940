/** What a client of a server loads when it is first used: the flow service over HTTP, behind promises. */
import * as Effect from "effect/Effect"
import * as FlowHttp from "../FlowHttp.ts"
import { type Backend, makeRunning } from "./Backend.ts"
import { checkHttpOptions } from "./http/checkHttpOptions.ts"
import type { HttpClientOptions, HttpFlowClientOptions } from "./http/HttpClientOptions.ts"

/** Opens the service; nothing is asked of the server yet. Throws `InvalidOptions`. */
export const open = (options: HttpFlowClientOptions | HttpClientOptions): Backend => {
  checkHttpOptions(options)
  const service = FlowHttp.make(options)
  const { run, iterate, stop } = makeRunning<never>(Effect.runPromiseExit)
  return {
    run: (operation, signal) => run(operation(service), signal),
    iterate: (operation, signal) => iterate(operation(service), signal),
    close: async () => stop()
  }
}
