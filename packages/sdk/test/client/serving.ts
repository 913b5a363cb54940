/** A real server on loopback over a workspace, for the tests of its clients. */
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { layerLocal } from "../../src/compose.ts"
import type { StateKind } from "../../src/composeEngine.ts"
import { Flow } from "../../src/Flow.ts"
import { type ServeOptions, serve } from "../../src/server/serve.ts"

/** Serves a workspace on a free port, or on the one that is given; disposing stops the server, then the engine. */
export const serveWorkspace = async (
  workspaceRoot: string,
  options: ServeOptions & { readonly engine?: EngineOptions; readonly state?: StateKind } = {}
): Promise<AsyncDisposable & { readonly url: string; readonly port: number }> => {
  const { engine, state = { kind: "memory" }, ...serving } = options
  const scope = Effect.runSync(Scope.make())
  const local = layerLocal({
    workspaceRoot,
    state,
    environment: { mode: "inherit", values: process.env, secrets: [] },
    ...(engine === undefined ? {} : { engine })
  })
  const opening = Effect.gen(function* () {
    const context = yield* Layer.build(Layer.provideMerge(local, Logger.remove(Logger.defaultLogger)))
    return yield* serve(Context.get(context, Flow), { port: 0, ...serving })
  })
  const { url, port } = await Effect.runPromise(Scope.extend(opening, scope))
  return { url, port, [Symbol.asyncDispose]: () => Effect.runPromise(Scope.close(scope, Exit.void)) }
}
