/**
 * The credential of a target, from the environment variable that its configuration names.
 *
 * 1. Git over HTTP: `token` for Gitea and Forgejo; for GitHub and other servers, Basic with the token as the password.
 *    Their API: `token` for Gitea and Forgejo, `Bearer` for GitHub.
 * 2. Over plain http a token is sent only to this machine and to the forge of `GITEA_URL`, whose address the operator
 *    wrote there with that scheme. ssh and files get none.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import type { CascadeTarget } from "./CascadeConfig.ts"
import { originOf } from "./TargetUrl.ts"

/** Whole values of `Authorization` headers; `null` sends none. */
export interface Credentials {
  readonly git: Redacted.Redacted<string> | null
  readonly api: Redacted.Redacted<string> | null
}

/** The credentials of one target. An absent or empty variable is not an error: public repositories are read without. */
export const readCredentials = Effect.fn("Credentials.read")(function* (
  target: Pick<CascadeTarget, "url" | "forge" | "tokenEnv">,
  giteaUrl: string | null
) {
  const none: Credentials = { git: null, api: null }
  if (!maySendTo(target.url, giteaUrl)) return none
  const found = yield* Effect.option(Config.redacted(target.tokenEnv))
  const token = Option.match(found, { onNone: () => "", onSome: (value) => Redacted.value(value).trim() })
  // A line break would end the header, and what follows would be another one.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what this rule refuses.
  if (token === "" || /[\u0000-\u001f\u007f]/.test(token)) return none
  const credentials: Credentials = {
    git: Redacted.make(gitHeader(target, token)),
    api: Redacted.make(target.forge === "github" ? `Bearer ${token}` : `token ${token}`)
  }
  return credentials
})

// --- internal ---

const maySendTo = (url: string, giteaUrl: string | null): boolean => {
  const origin = originOf(url)
  if (origin === null) return false
  if (origin.startsWith("https:")) return true
  const { hostname } = new URL(origin)
  // Four numbers, and no name that begins like one: 127.evil.example is somebody else.
  const isLoopback = hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  return isLoopback || (giteaUrl !== null && originOf(giteaUrl) === origin)
}

const gitHeader = ({ forge }: Pick<CascadeTarget, "forge">, token: string): string => {
  if (forge === "gitea" || forge === "forgejo") return `token ${token}`
  // GitHub takes any user name beside an app's or a person's token, and documents this one.
  const user = forge === "github" ? "x-access-token" : "git"
  return `Basic ${Buffer.from(`${user}:${token}`, "utf8").toString("base64")}`
}
