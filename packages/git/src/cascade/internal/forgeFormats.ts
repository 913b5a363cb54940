/** What the APIs of forges look like: where they are, what they take, which version offers what. */
import * as Schema from "effect/Schema"
import type { CascadeTarget } from "../CascadeConfig.ts"
import { originOf } from "../TargetUrl.ts"

/** Top-level keys of a payload; GitHub refuses more. */
export const payloadKeysMax = 10

/** Bytes of a payload as JSON; GitHub takes less than 64 KiB. */
export const payloadBytesMax = 64 * 1024 - 1

/** Forgejo takes workflow dispatches since this major version. */
export const forgejoDispatchSince = 8

/** Where the API is, without a slash at the end; `null` where none is known. */
export const apiBaseOf = ({ forge, url }: Pick<CascadeTarget, "forge" | "url">): string | null => {
  const origin = originOf(url)
  if (origin === null || forge === "git") return null
  if (forge !== "github") return `${origin}/api/v1`
  const { host, protocol } = new URL(origin)
  if (host === "github.com") return "https://api.github.com"
  return host.endsWith(".ghe.com") ? `${protocol}//api.${host}` : `${origin}/api/v3`
}

/** Whether the answer of `/api/forgejo/v1/version` is that of a Forgejo with workflow dispatch. */
export const isForgejoWithDispatch = (text: string): boolean => {
  const read = Schema.decodeUnknownOption(Version)(text)
  const major = read._tag === "Some" ? /^v?(\d{1,6})\./.exec(read.value.version)?.[1] : undefined
  return major !== undefined && Number(major) >= forgejoDispatchSince
}

/** What is wrong with a payload; `null` when it may be sent. */
export const payloadProblem = (payload: Readonly<Record<string, unknown>>): string | null => {
  if (Object.keys(payload).length > payloadKeysMax) return `a payload has at most ${payloadKeysMax} keys`
  return Buffer.byteLength(JSON.stringify(payload)) > payloadBytesMax
    ? `a payload has at most ${payloadBytesMax} bytes`
    : null
}

// --- internal ---

const Version = Schema.parseJson(Schema.Struct({ version: Schema.String }))
