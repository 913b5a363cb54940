/** One request of the test server handed to `git http-backend`, which is real git. */
import { isolatedEnvironment } from "./TempRepo.ts"

/** What a request was. */
export interface GitHttpRequest {
  readonly method: string
  readonly path: string
  /** The folder name of the repository. */
  readonly repository: string
  readonly service: "git-upload-pack" | "git-receive-pack"
  readonly requestBytes: number
  readonly answerBytes: number
  readonly status: number
}

/** A pre-receive hook that says `TEST_DECLINE_PUSH` and declines, if that is set. */
export const declineScript =
  '#!/bin/sh\nif [ -n "$TEST_DECLINE_PUSH" ]; then echo "$TEST_DECLINE_PUSH" >&2; exit 1; fi\n'

/** The request's body, and what it is about. */
export const readRequest = async (request: Request) => {
  const url = new URL(request.url)
  const path = decodeURIComponent(url.pathname)
  const body = new Uint8Array(await request.arrayBuffer())
  const service = `${path}${url.search}`.includes("git-receive-pack") ? "git-receive-pack" : "git-upload-pack"
  const repository = path.replace(/^\//, "").replace(/\/(?:info\/refs|git-upload-pack|git-receive-pack)$/, "")
  const entry = { method: request.method, path, repository, service, requestBytes: body.byteLength } as const
  const isPush = request.method === "POST" && service === "git-receive-pack"
  return { body, path, repository, isPush, entry }
}

/** The variables that git http-backend reads. */
export const cgiEnvironment = (
  request: Request,
  asked: { readonly path: string; readonly body: Uint8Array },
  options: {
    readonly root: string
    readonly hooks: string
    readonly noFilter: boolean
    readonly oldProtocol: boolean
    readonly declinePush: string | null
  }
): Record<string, string> => {
  const config = [
    ["core.hooksPath", options.hooks],
    ["http.receivepack", "true"],
    ["uploadpack.allowFilter", String(!options.noFilter)],
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
    GIT_PROJECT_ROOT: options.root,
    GIT_HTTP_EXPORT_ALL: "1",
    GIT_PROTOCOL: options.oldProtocol ? "" : (request.headers.get("git-protocol") ?? ""),
    PATH_INFO: asked.path,
    QUERY_STRING: new URL(request.url).search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: request.headers.get("content-type") ?? "",
    CONTENT_LENGTH: String(asked.body.byteLength),
    HTTP_CONTENT_ENCODING: request.headers.get("content-encoding") ?? "",
    REMOTE_USER: "tester",
    REMOTE_ADDR: "127.0.0.1",
    ...(options.declinePush === null ? {} : { TEST_DECLINE_PUSH: options.declinePush })
  }
}

/** Runs git on the request and gives its answer. */
export const runBackend = async (body: Uint8Array, env: Record<string, string>) => {
  const child = Bun.spawn(["git", "http-backend"], { env, stdin: body, stdout: "pipe", stderr: "ignore" })
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
  return { status: end < 0 ? 500 : status, headers, bytes: new Uint8Array(output.subarray(end + 4)) }
}
