/** `GitTransport` for every kind of address: http(s) by our own client, the rest by the git program. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Git } from "../Git.ts"
import { GitTransport, type TransportTarget } from "./GitTransport.ts"
import { type HttpTransportOptions, makeHttpTransport } from "./HttpTransport.ts"
import { isHttp } from "./httpAddress.ts"
import { makeProgramTransport, type ProgramTransportOptions } from "./ProgramTransport.ts"

/** Bounds of both ways. `commandTimeMax` is for the git program, everything else for our own HTTP client. */
export type TransportOptions = HttpTransportOptions & ProgramTransportOptions

/** The transport that picks by address. */
export const makeTransport = Effect.fnUntraced(function* (options: TransportOptions = {}) {
  const http = makeHttpTransport(options)
  const program = yield* makeProgramTransport(options)
  const pick = (target: TransportTarget) => (isHttp(target.url) ? http : program)
  const transport: typeof GitTransport.Service = {
    readHead: (target, branch) => pick(target).readHead(target, branch),
    readCommit: (target, asked) => pick(target).readCommit(target, asked),
    readBlob: (target, asked) => pick(target).readBlob(target, asked),
    pushFile: (target, asked) => pick(target).pushFile(target, asked),
    readLastChange: (target, asked) => pick(target).readLastChange(target, asked)
  }
  return transport
})

/** The layer over `makeTransport`. */
export const layerTransport = (options: TransportOptions = {}): Layer.Layer<GitTransport, never, Git> =>
  Layer.scoped(GitTransport, makeTransport(options))
