/** Asking whether a target would take a push, without pushing: the server is asked to begin one, and nothing is sent. */
import { constants } from "node:fs"
import { access } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type { TransportTarget } from "../transport/GitTransport.ts"
import { originOf } from "./TargetUrl.ts"

/** Time for the question. */
export const probeMillisMax = 30_000

/** What the doctor of a cascade asks about pushes; `layerDoctorProbe` is the one that asks servers. It never fails. */
export class DoctorProbe extends Context.Tag("@patchmoi/git/DoctorProbe")<
  DoctorProbe,
  {
    /** `true`, or why not; `null` where it cannot be known without a push. */
    readonly isWritable: (remote: TransportTarget) => Effect.Effect<true | string | null>
  }
>() {}

/** The probe over HTTP and files; what ssh allows is not known before a push. */
export const layerDoctorProbe = (
  options: { readonly fetch?: (url: string, init: RequestInit) => Promise<Response> } = {}
): Layer.Layer<DoctorProbe> => {
  const fetch = options.fetch ?? ((url: string, init: RequestInit) => globalThis.fetch(url, init))
  return Layer.succeed(DoctorProbe, {
    isWritable: (remote) => {
      if (originOf(remote.url) !== null) return askServer(fetch, remote)
      return remote.url.startsWith("file:") ? askFolder(remote.url) : Effect.succeed(null)
    }
  })
}

// --- internal ---

const askServer = (
  fetch: (url: string, init: RequestInit) => Promise<Response>,
  { authorization, url }: TransportTarget
): Effect.Effect<true | string> =>
  Effect.tryPromise({
    try: async (signal) => {
      const address = `${url.replace(/\/+$/, "")}/info/refs?service=git-receive-pack`
      const headers = authorization === null ? {} : { authorization: Redacted.value(authorization) }
      const response = await fetch(address, { headers, signal, redirect: "manual" })
      await response.body?.cancel()
      const kind = response.headers.get("content-type") ?? ""
      if (response.status === 200 && kind.includes("git-receive-pack-advertisement")) return true
      return response.status === 401 || response.status === 403
        ? `pushes are refused with status ${response.status}`
        : `it does not offer pushes (status ${response.status})`
    },
    catch: (cause) => (cause instanceof Error ? cause.message.slice(0, 300) : "no answer")
  }).pipe(
    Effect.timeoutFail({ duration: probeMillisMax, onTimeout: () => `no answer in ${probeMillisMax} ms` }),
    Effect.catchAll((reason) => Effect.succeed(reason))
  )

const askFolder = (url: string): Effect.Effect<true | string> =>
  Effect.tryPromise(() => access(fileURLToPath(url), constants.W_OK)).pipe(
    Effect.match({ onFailure: () => "its folder cannot be written", onSuccess: () => true as const })
  )
