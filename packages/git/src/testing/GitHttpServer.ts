/**
 * A real git server over HTTP on loopback, for tests: `git http-backend` behind `Bun.serve`, on a free port.
 *
 * Serves every repository under one folder, for reading and pushing, with partial clone allowed. Knobs make it slow,
 * old, strict, or break at a chosen place, for all repositories or for one. Closing the scope stops it.
 *
 * Source of the CGI variables: git-http-backend(1).
 */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { basicNames, inheritEnvironment } from "../internal/environment.ts"
import {
  cgiEnvironment,
  declineScript,
  type GitHttpRequest,
  readRequest,
  runBackend
} from "./gitHttpBackend.ts"
import { makeTempDirectory } from "./TempRepo.ts"

/** What the server does wrong. May be changed at any time; each request goes by what is set when it arrives. */
export interface GitHttpFaults {
  /** Wait before each answer, in milliseconds. (Default: 0.) */
  latencyMillis: number
  /** The words of a pre-receive hook that declines every push; `null` accepts. (Default: `null`.) */
  declinePush: string | null
  /** An HTTP status for every request; `null` serves. (Default: `null`.) */
  status: number | null
  /** The text that comes with `status`. (Default: `fault`.) */
  statusText: string
  /** Answers like a server from before protocol version 2. (Default: `false`.) */
  oldProtocol: boolean
  /** Allows no partial clone. (Default: `false`.) */
  noFilter: boolean
  /** The `Authorization` header without which every request gets 401; `null` asks for none. (Default: `null`.) */
  authorization: string | null
  /** A page of HTML with status 200 in place of git's answer; `null` serves. (Default: `null`.) */
  page: string | null
  /** Where every request is sent on to with status 307, the path and query appended; `null` serves. (Default: `null`.) */
  redirect: string | null
  /** The connection breaks before anything is done. (Default: `false`.) */
  dropRequests: boolean
  /** The connection breaks after so many bytes of an answer's body; `null` sends all. (Default: `null`.) */
  answerBytesMax: number | null
  /** Like `answerBytesMax`, but the answer ends there as if it were whole. (Default: `null`.) */
  answerBytesCut: number | null
  /** The connection breaks after a push was done, before its report is sent. (Default: `false`.) */
  dieAfterPush: boolean
  /** Awaited before each push is handed to git: the place for someone who is faster. (Default: `null`.) */
  beforePush: ((repository: string) => Promise<unknown>) | null
}

/** A server that runs, made by `makeGitHttpServer`, with its knobs and what it was asked. Stopped when the scope closes. */
export interface GitHttpServer {
  /** Without a slash at the end; the repository's folder name follows. */
  readonly url: string
  readonly faults: GitHttpFaults
  /** Faults of single repositories by folder name; what they leave out is as in `faults`. */
  readonly faultsOf: Map<string, Partial<GitHttpFaults>>
  /** Requests so far. */
  readonly requests: () => number
  /** Each request so far, in the order in which they were answered. */
  readonly log: Array<GitHttpRequest>
}

/** Serves the repositories under the folder. */
export const makeGitHttpServer = Effect.fnUntraced(function* (options: { readonly root: string }) {
  const hooks = yield* makeTempDirectory
  yield* Effect.promise(async () => {
    await mkdir(hooks, { recursive: true })
    await writeFile(join(hooks, "pre-receive"), declineScript, { mode: 0o755 })
  })
  const inherited = yield* inheritEnvironment(basicNames)
  const faults = noFaults()
  const faultsOf: GitHttpServer["faultsOf"] = new Map()
  const log: Array<GitHttpRequest> = []
  let requests = 0
  const server = yield* Effect.acquireRelease(
    Effect.sync(() =>
      Bun.serve({
        hostname: "127.0.0.1",
        port: 0,
        // What breaks on purpose is not to be printed.
        development: false,
        error: () => new Response("fault", { status: 500 }),
        fetch: async (request) => {
          requests += 1
          const asked = await readRequest(request)
          const wrong = { ...faults, ...faultsOf.get(asked.repository) }
          if (wrong.latencyMillis > 0) await Bun.sleep(wrong.latencyMillis)
          const response =
            faultyAnswer(wrong, request) ??
            (await served(wrong, asked, {
              ...inherited,
              ...cgiEnvironment(request, asked, { ...wrong, hooks, root: options.root })
            }))
          log.push({ ...asked.entry, status: response.status, answerBytes: response.bytes.byteLength })
          return sent(wrong, asked, response)
        }
      })
    ),
    (started) => Effect.promise(() => started.stop(true))
  )
  const result: GitHttpServer = {
    url: `http://127.0.0.1:${server.port}`,
    faults,
    faultsOf,
    requests: () => requests,
    log
  }
  return result
})

// --- internal ---

type Asked = Awaited<ReturnType<typeof readRequest>>

interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly bytes: Uint8Array
}

const noFaults = (): GitHttpFaults => ({
  latencyMillis: 0,
  declinePush: null,
  status: null,
  statusText: "fault",
  oldProtocol: false,
  noFilter: false,
  authorization: null,
  page: null,
  redirect: null,
  dropRequests: false,
  answerBytesMax: null,
  answerBytesCut: null,
  dieAfterPush: false,
  beforePush: null
})

/** An answer for which git is not asked. */
const faultyAnswer = (wrong: GitHttpFaults, request: Request): Answer | null => {
  const plain = (status: number, text: string, headers: Record<string, string> = {}): Answer => ({
    status,
    headers: new Headers({ "content-type": "text/plain", ...headers }),
    bytes: new TextEncoder().encode(text)
  })
  if (wrong.dropRequests) return plain(200, "")
  if (wrong.status !== null) return plain(wrong.status, wrong.statusText)
  if (wrong.authorization !== null && request.headers.get("authorization") !== wrong.authorization)
    return plain(401, "Authentication required", { "www-authenticate": 'Basic realm="git"' })
  if (wrong.page !== null) return plain(200, wrong.page, { "content-type": "text/html; charset=utf-8" })
  if (wrong.redirect === null) return null
  const { pathname, search } = new URL(request.url)
  return plain(307, "", { location: `${wrong.redirect}${pathname}${search}` })
}

const served = async (wrong: GitHttpFaults, asked: Asked, env: Record<string, string>): Promise<Answer> => {
  if (asked.isPush && wrong.beforePush !== null) await wrong.beforePush(asked.repository)
  return runBackend(asked.body, env)
}

const sent = (wrong: GitHttpFaults, asked: Asked, answer: Answer): Response => {
  const { status, headers, bytes } = answer
  const broken = wrong.dropRequests || (wrong.dieAfterPush && asked.isPush)
  const most = broken ? 0 : wrong.answerBytesMax
  if (most !== null && (broken || most < bytes.byteLength))
    return new Response(breakingStream(bytes.subarray(0, most)), { status, headers })
  const body = wrong.answerBytesCut === null ? bytes : bytes.subarray(0, wrong.answerBytesCut)
  return new Response(new Uint8Array(body), { status, headers })
}

/** A body whose connection breaks after these bytes. */
const breakingStream = (bytes: Uint8Array): ReadableStream => {
  const source: Bun.DirectUnderlyingSource = {
    type: "direct",
    pull: async (controller) => {
      if (bytes.byteLength > 0) controller.write(bytes)
      await controller.flush()
      controller.close(new Error("broken on purpose"))
    }
  }
  return new ReadableStream(source)
}
