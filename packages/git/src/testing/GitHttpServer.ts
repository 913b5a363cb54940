/**
 * A real git server over HTTP on loopback, for tests: `git http-backend` behind `Bun.serve`, on a free port.
 *
 * Serves every repository under one folder, for reading and pushing, with partial clone allowed. Knobs make it slow,
 * make it decline pushes through a real hook, or make it answer with an HTTP status. Closing the scope stops it.
 *
 * Source of the CGI variables: git-http-backend(1).
 */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { basicNames, inheritEnvironment } from "../internal/environment.ts"
import { isolatedEnvironment, makeTempDirectory } from "./TempRepo.ts"

/** What the server does wrong. May be changed at any time. */
export interface GitHttpFaults {
  /** Wait before each answer, in milliseconds. (Default: 0.) */
  latencyMillis: number
  /** The words of a pre-receive hook that declines every push; `null` accepts. (Default: `null`.) */
  declinePush: string | null
  /** An HTTP status for every request; `null` serves. (Default: `null`.) */
  status: number | null
}

export interface GitHttpServer {
  /** Without a slash at the end; the repository's folder name follows. */
  readonly url: string
  readonly faults: GitHttpFaults
  /** Requests so far. */
  readonly requests: () => number
}

/** Serves the repositories under the folder. */
export const makeGitHttpServer = Effect.fnUntraced(function* (options: { readonly root: string }) {
  const hooks = yield* makeTempDirectory
  const hookPath = join(hooks, "pre-receive")
  const script = '#!/bin/sh\nif [ -n "$TEST_DECLINE_PUSH" ]; then echo "$TEST_DECLINE_PUSH" >&2; exit 1; fi\n'
  yield* Effect.promise(async () => {
    await mkdir(hooks, { recursive: true })
    await writeFile(hookPath, script, { mode: 0o755 })
  })
  const inherited = yield* inheritEnvironment(basicNames)
  const faults: GitHttpFaults = { latencyMillis: 0, declinePush: null, status: null }
  let requests = 0
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        fetch: async (request) => {
          requests += 1
          if (faults.latencyMillis > 0) await Bun.sleep(faults.latencyMillis)
          if (faults.status !== null) return new Response("fault", { status: faults.status })
          const env = { ...inherited, ...cgiEnvironment(request, options.root, hooks, faults) }
          return await answer(request, env)
        }
      })
    ),
    (started) => Effect.promise(() => started.stop(true))
  )
  const result: GitHttpServer = {
    url: `http://127.0.0.1:${server.port}`,
    faults,
    requests: () => requests
  }
  return result
})

// --- internal ---

const cgiEnvironment = (request: Request, root: string, hooks: string, faults: GitHttpFaults) => {
  const url = new URL(request.url)
  const config = [
    ["core.hooksPath", hooks],
    ["http.receivepack", "true"],
    ["uploadpack.allowFilter", "true"],
    ["uploadpack.allowAnySHA1InWant", "true"],
    ["safe.directory", "*"]
  ]
  const settings = config.flatMap(([key = "", value = ""], at) => [
    [`GIT_CONFIG_KEY_${at}`, key],
    [`GIT_CONFIG_VALUE_${at}`, value]
  ])
  return {
    ...isolatedEnvironment,
    ...Object.fromEntries(settings),
    GIT_CONFIG_COUNT: String(config.length),
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_PROTOCOL: request.headers.get("git-protocol") ?? "",
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers.get("content-type") ?? "",
    CONTENT_LENGTH: request.headers.get("content-length") ?? "",
    HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
    REMOTE_USER: "tester",
    REMOTE_ADDR: "127.0.0.1",
    ...(faults.declinePush === null ? {} : { TEST_DECLINE_PUSH: faults.declinePush })
  }
}

const answer = async (request: Request, env: Record<string, string>): Promise<Response> => {
  const body = new Uint8Array(await request.arrayBuffer())
  const child = Bun.spawn(["git", "http-backend"], {
    env: { ...env, CONTENT_LENGTH: String(body.byteLength) },
    stdin: body,
    stdout: "pipe",
    stderr: "ignore"
  })
  const output = Buffer.from(await new Response(child.stdout).arrayBuffer())
  const end = output.indexOf("\r\n\r\n")
  const headers = new Headers()
  let status = 200
  for (const line of output.toString("latin1", 0, Math.max(0, end)).split("\r\n")) {
    const colon = line.indexOf(":")
    const [name, value] = [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    if (name === "status") status = Number.parseInt(value, 10)
    else if (colon > 0) headers.append(name, value)
  }
  return new Response(new Uint8Array(output.subarray(end + 4)), { status: end < 0 ? 500 : status, headers })
}
