/**
 * Telling a repository of a version by the API of its forge, instead of by a commit.
 *
 *     GitHub            POST <api>/repos/O/R/dispatches                            {event_type, client_payload}
 *     Forgejo, Gitea    POST <origin>/api/v1/repos/O/R/actions/workflows/F/dispatches     {ref, inputs}
 *
 * Forgejo has the second since 8.0; a Gitea of 1.22 has neither, and newer ones are not asked by themselves, because it is
 * not documented since when they have it. Formats: docs.github.com, "Create a repository dispatch event"; Forgejo's
 * `/api/swagger`, "Dispatches a workflow".
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import {
  AuthenticationFailed,
  HttpStatus,
  RepositoryNotFound,
  Unreachable
} from "../transport/TransportError.ts"
import type { CascadeTarget } from "./CascadeConfig.ts"
import { apiBaseOf, isForgejoWithDispatch, payloadProblem } from "./internal/forgeFormats.ts"
import { ownerAndName } from "./TargetUrl.ts"

/** Time for one question to an API. */
export const apiMillisMax = 30_000

/** Longest answer that is read, in bytes. */
export const apiAnswerBytesMax = 256 * 1024

/** The forge does not take the dispatch as it is. Nothing was started. */
export class DispatchRefused extends Schema.TaggedError<DispatchRefused>("git/DispatchRefused")(
  "DispatchRefused",
  { url: Schema.String, said: Schema.String }
) {
  override get message(): string {
    return `${this.url} refused the dispatch: ${this.said}`
  }
}

/** There is no API for it at this target. Nothing was sent. */
export class DispatchUnsupported extends Schema.TaggedError<DispatchUnsupported>("git/DispatchUnsupported")(
  "DispatchUnsupported",
  { url: Schema.String, reason: Schema.String }
) {
  override get message(): string {
    return `${this.url} cannot be dispatched to: ${this.reason}`
  }
}

/** Everything that a dispatch may fail with. */
export type DispatchError =
  | DispatchRefused
  | DispatchUnsupported
  | AuthenticationFailed
  | RepositoryNotFound
  | HttpStatus
  | Unreachable

/** What to tell a repository. */
export interface DispatchOptions {
  readonly target: CascadeTarget
  readonly authorization: Redacted.Redacted<string> | null
  readonly eventType: string
  /** The short name of the branch whose workflow is started, where the forge asks for one. */
  readonly branch: string
  /** At most 10 top-level keys and less than 64 KiB of JSON. */
  readonly payload: Readonly<Record<string, string>>
}

/**
 * How a cascade reaches the API of a forge. `layerForgeApi` asks over HTTP, each time for at most `apiMillisMax`;
 * `layerNoForgeApi` asks nobody.
 */
export class ForgeApi extends Context.Tag("@patchmoi/git/ForgeApi")<
  ForgeApi,
  {
    /** Whether the forge was seen to offer a dispatch for the target; asking fails as "no". */
    readonly offersDispatch: (
      target: CascadeTarget,
      authorization: Redacted.Redacted<string> | null
    ) => Effect.Effect<boolean>
    /** Tells the repository. After `Unreachable` and a status of 500 or more it may have been told. */
    readonly dispatch: (options: DispatchOptions) => Effect.Effect<void, DispatchError>
  }
>() {}

/** How the network is reached. */
export interface ForgeApiOptions {
  /** (Default: the platform's.) */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/** The API over HTTP. */
export const layerForgeApi = (options: ForgeApiOptions = {}): Layer.Layer<ForgeApi> =>
  Layer.succeed(ForgeApi, makeForgeApi(options))

/** No API: `auto` always pushes. */
export const layerNoForgeApi: Layer.Layer<ForgeApi> = Layer.succeed(ForgeApi, {
  offersDispatch: () => Effect.succeed(false),
  dispatch: ({ target }) =>
    new DispatchUnsupported({ url: target.url, reason: "dispatches are switched off here" })
})

// --- internal ---

interface Answer {
  readonly status: number
  readonly text: string
}

const makeForgeApi = (options: ForgeApiOptions): typeof ForgeApi.Service => {
  const ask = asker(options.fetch ?? ((url, init) => globalThis.fetch(url, init)))
  return {
    offersDispatch: (target, authorization) =>
      offers(ask, target, authorization).pipe(Effect.catchAll(() => Effect.succeed(false))),
    dispatch: (given) => dispatchTo(ask, given)
  }
}

type Ask = (request: {
  readonly url: string
  readonly method: "GET" | "POST"
  readonly authorization: Redacted.Redacted<string> | null
  readonly github: boolean
  readonly body?: string
}) => Effect.Effect<Answer, Unreachable>

const asker =
  (fetch: NonNullable<ForgeApiOptions["fetch"]>): Ask =>
  ({ authorization, body, github, method, url }) => {
    const failed = (detail: string) =>
      new Unreachable({ url, detail: detail.slice(0, 300), afterSend: method === "POST" })
    return Effect.tryPromise({
      try: async (signal) => {
        const response = await fetch(url, {
          method,
          signal,
          // A redirect would take the credential elsewhere.
          redirect: "manual",
          headers: {
            accept: github ? "application/vnd.github+json" : "application/json",
            "user-agent": "patchmoi",
            ...(github ? { "x-github-api-version": "2022-11-28" } : {}),
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...(authorization === null ? {} : { authorization: Redacted.value(authorization) })
          },
          ...(body === undefined ? {} : { body })
        })
        return { status: response.status, text: await boundedText(response) }
      },
      catch: (cause) => failed(cause instanceof Error ? cause.message : "the connection failed")
    }).pipe(
      Effect.timeoutFail({
        duration: apiMillisMax,
        onTimeout: () => failed(`no answer in ${apiMillisMax} ms`)
      })
    )
  }

/** The beginning of an answer's text. */
const boundedText = async (response: Response): Promise<string> => {
  const reader = response.body?.getReader()
  const chunks: Array<Uint8Array> = []
  let size = 0
  while (reader !== undefined && size < apiAnswerBytesMax) {
    const { done, value } = await reader.read()
    if (done) break
    chunks.push(value)
    size += value.byteLength
  }
  await reader?.cancel()
  return Buffer.concat(chunks).toString("utf8", 0, apiAnswerBytesMax)
}

const offers = (ask: Ask, target: CascadeTarget, authorization: Redacted.Redacted<string> | null) =>
  Effect.gen(function* () {
    const base = apiBaseOf(target)
    const place = ownerAndName(target.url)
    if (base === null || place === null) return false
    const get = (url: string) => ask({ url, method: "GET", authorization, github: target.forge === "github" })
    if (target.forge === "github") {
      if (authorization === null) return false
      const { status, text } = yield* get(`${base}/repos/${place.owner}/${place.name}`)
      return status === 200 && mayPush(text)
    }
    if (target.workflow === null) return false
    // A Gitea answers 404 here; both answer the other version endpoint.
    const { status, text } = yield* get(`${new URL(target.url).origin}/api/forgejo/v1/version`)
    return status === 200 && isForgejoWithDispatch(text)
  })

const Repository = Schema.parseJson(Schema.Struct({ permissions: Schema.Struct({ push: Schema.Boolean }) }))
const mayPush = (text: string): boolean => {
  const read = Schema.decodeUnknownOption(Repository)(text)
  return read._tag === "Some" && read.value.permissions.push
}

const dispatchTo = (ask: Ask, options: DispatchOptions): Effect.Effect<void, DispatchError> =>
  Effect.gen(function* () {
    const { authorization, branch, eventType, payload, target } = options
    const base = apiBaseOf(target)
    const place = ownerAndName(target.url)
    const github = target.forge === "github"
    if (base === null || place === null || (!github && target.workflow === null)) {
      const reason =
        base === null
          ? "it has no API that is known"
          : place === null
            ? "its address names no owner and repository"
            : "workflow is not set"
      return yield* new DispatchUnsupported({ url: target.url, reason })
    }
    const problem = payloadProblem(payload)
    if (problem !== null) return yield* new DispatchUnsupported({ url: target.url, reason: problem })
    const repository = `${base}/repos/${place.owner}/${place.name}`
    const url = github
      ? `${repository}/dispatches`
      : `${repository}/actions/workflows/${encodeURIComponent(target.workflow ?? "")}/dispatches`
    const body = github
      ? { event_type: eventType, client_payload: payload }
      : { ref: branch, inputs: payload }
    const answer = yield* ask({ url, method: "POST", authorization, github, body: JSON.stringify(body) })
    return yield* concluded(target.url, answer)
  })

const concluded = (url: string, { status, text }: Answer): Effect.Effect<void, DispatchError> => {
  if (status >= 200 && status < 300) return Effect.void
  const said = saidIn(text) || `status ${status}`
  // GitHub answers 403 and 429 alike when one asks too often.
  if (status === 429 || (status === 403 && /rate limit/i.test(said)) || status >= 500) {
    return new HttpStatus({ url, status, said, afterSend: status >= 500 })
  }
  if (status === 401 || status === 403) return new AuthenticationFailed({ url, said })
  if (status === 404) return new RepositoryNotFound({ url })
  return new DispatchRefused({ url, said })
}

const Said = Schema.parseJson(Schema.Struct({ message: Schema.String }))
const saidIn = (text: string): string => {
  const read = Schema.decodeUnknownOption(Said)(text)
  const said = read._tag === "Some" ? read.value.message : text
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out.
  const plain = said.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ")
  return plain.trim().slice(0, 500)
}
