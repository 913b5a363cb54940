/** A real server on loopback over an engine in memory, with a workspace of its own: for the tests of this folder. */
import { compact } from "@patchmoi/core/compaction/Compaction"
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import { Store } from "@patchmoi/core/store/Store"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Scope from "effect/Scope"
import { layerLocal } from "../../src/compose.ts"
import { Flow } from "../../src/Flow.ts"
import { type ServeOptions, serve } from "../../src/server/serve.ts"
import { flowFiles } from "../client/support.ts"
import { makeWorkspace } from "../flow/workspace.ts"

export interface Place extends AsyncDisposable {
  readonly root: string
  readonly url: string
  readonly flow: typeof Flow.Service
  readonly fetch: (path: string, init?: RequestInit) => Promise<Response>
  readonly get: (path: string, init?: RequestInit) => Promise<Answer>
  readonly post: (path: string, body?: unknown, init?: RequestInit) => Promise<Answer>
  /** Takes what has ended out of the record, as `patchmoi log compact --before 0s`. */
  readonly compact: () => Promise<unknown>
  /** Stops the server and the engine; what was opened in files stays until the place is disposed. */
  readonly close: () => Promise<void>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: what a server answers is looked at freely by its tests.
  readonly body: any
}

/** Opens a server on a free port; disposing stops it. */
export const openServer = async (
  options: ServeOptions & {
    readonly engine?: EngineOptions
    readonly fixture?: Readonly<Record<string, string>>
  } = {}
): Promise<Place> => {
  const { engine, fixture, ...serveOptions } = options
  const workspace = await makeWorkspace({ ...flows, ...fixture })
  const { root } = workspace
  const scope = Effect.runSync(Scope.make())
  const opening = Effect.gen(function* () {
    const context = yield* Layer.build(
      Layer.provideMerge(
        layerLocal({
          workspaceRoot: root,
          state: { kind: "memory" },
          environment: { mode: "inherit", values: process.env, secrets: [] },
          ...(engine === undefined ? {} : { engine })
        }),
        Logger.remove(Logger.defaultLogger)
      )
    )
    const flow = Context.get(context, Flow)
    const { driver } = Context.get(context, Store)
    return {
      flow,
      driver,
      listening: yield* Effect.provide(serve(flow, { port: 0, ...serveOptions }), context)
    }
  })
  const { driver, flow, listening } = await Effect.runPromise(Scope.extend(opening, scope))
  const { url } = listening
  const ask = async (path: string, init?: RequestInit): Promise<Answer> => {
    const answer = await fetch(url + path, init)
    const text = await answer.text()
    const isJson = answer.headers.get("content-type")?.startsWith("application/json") === true
    return {
      status: answer.status,
      headers: answer.headers,
      text,
      body: isJson ? JSON.parse(text) : undefined
    }
  }
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => {
    closed ??= Effect.runPromise(Scope.close(scope, Exit.void))
    return closed
  }
  return {
    root,
    url,
    flow,
    fetch: (path, init) => fetch(url + path, init),
    get: ask,
    post: (path, body, init) =>
      ask(path, {
        method: "POST",
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        ...init,
        headers: {
          "content-type": "application/json",
          ...(init?.headers as Record<string, string> | undefined)
        }
      }),
    compact: () =>
      Effect.runPromise(Effect.flatMap(Clock.currentTimeMillis, (before) => compact(driver, { before }))),
    close,
    [Symbol.asyncDispose]: async () => {
      await close()
      await workspace[Symbol.asyncDispose]()
    }
  }
}

/** Event type `demo.<flow>` starts the flow of this name. */
const flows: Readonly<Record<string, string>> = {
  ...flowFiles(
    "echo",
    "demo.echo",
    `
const { flow } = await Bun.stdin.json()
console.log("working on " + flow.event.id)
console.log("FLOW_RESULT " + JSON.stringify(flow.event.payload))
if (flow.event.payload.exit) process.exit(flow.event.payload.exit)
`
  ),
  ...flowFiles(
    "gate",
    "demo.gate",
    `
const { flow } = await Bun.stdin.json()
console.log("waiting")
await Bun.write(flow.event.payload.started, String(process.pid))
while (!(await Bun.file(flow.event.payload.gate).exists())) await Bun.sleep(5)
console.log('FLOW_RESULT {"status":"changed"}')
`
  )
}
