/** What a client of a server may be told. */

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** Headers for every request: fixed, or asked for before each one. */
export type HeadersOption =
  | Readonly<Record<string, string>>
  | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)

/** A client of a server, such as `patchmoi serve`. */
export interface HttpClientOptions {
  readonly mode: "http"
  /** Where the server is, such as `http://127.0.0.1:7345`. A path before the routes is kept; no user name, no query. */
  readonly baseUrl: string
  /** The secret that the server shares with its clients: every request is signed with it. It is never sent, and never shown. */
  readonly hmacSecret?: string
  /** A token of the server, sent as `Authorization: Bearer`. */
  readonly bearerToken?: string
  /** Added to every request. */
  readonly headers?: HeadersOption
  /** Default: the `fetch` of the platform. */
  readonly fetch?: Fetch
  /** How long one request may take, in milliseconds, what the server waits on demand not counted. Default: 30,000. */
  readonly timeoutMillis?: number
  /** How often a request that may be sent again is sent again. Default: 4. */
  readonly retries?: number
}

/** What `createHttpFlowClient` is told: the same, without a mode. */
export type HttpFlowClientOptions = Omit<HttpClientOptions, "mode">

/** How long one request may take when the caller does not say, in milliseconds. */
export const timeoutMillisDefault = 30_000

/** How often a request is sent again when the caller does not say. */
export const retriesDefault = 4
