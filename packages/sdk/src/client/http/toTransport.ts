/** The transport that the options of a client ask for; the secrets in them are shown nowhere from here on. */
import * as Redacted from "effect/Redacted"
import type { HttpFlowClientOptions } from "./HttpClientOptions.ts"
import * as Transport from "./Transport.ts"

/** Makes the transport of a client. The options are checked already. */
export const toTransport = ({
  baseUrl,
  hmacSecret,
  bearerToken,
  ...rest
}: HttpFlowClientOptions): Transport.Transport =>
  Transport.make({
    ...rest,
    baseUrl: withoutEnd(baseUrl),
    ...(hmacSecret === undefined ? {} : { hmacSecret: Redacted.make(hmacSecret) }),
    ...(bearerToken === undefined ? {} : { bearerToken: Redacted.make(bearerToken) })
  })

// --- internal ---

const withoutEnd = (baseUrl: string): string => {
  const { origin, pathname } = new URL(baseUrl)
  return origin + pathname.replace(/\/+$/, "")
}
