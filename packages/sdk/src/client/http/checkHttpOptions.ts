/** What a client of a server is told, checked: options come from programs without types too. No message shows a secret. */
import { InvalidOptions } from "../errors.ts"
import { isRecord, isText, type OptionCheck, refuseUnknown } from "../optionChecks.ts"
import type { HttpFlowClientOptions } from "./HttpClientOptions.ts"

/** Throws `InvalidOptions` for the first option that is not what it must be. */
export const checkHttpOptions = (options: HttpFlowClientOptions): void => {
  if (!isRecord(options)) throw new InvalidOptions("Expected an object of options", { field: "" })
  const given: Readonly<Record<string, unknown>> = options
  refuseUnknown(given, checks)
  for (const [name, { expected, fits }] of Object.entries(checks)) {
    const value = given[name]
    if (value === undefined && name !== "baseUrl") continue
    if (!fits(value)) {
      throw new InvalidOptions(`Option "${name}": expected ${expected}, found ${kindOf(value)}`, {
        field: name
      })
    }
  }
}

// --- internal ---

/** A token goes into a header: no other characters than those that a header may have. */
const isToken = (value: unknown): boolean => typeof value === "string" && /^[\x21-\x7e]+$/.test(value)

const isBaseUrl = (value: unknown): boolean => {
  if (typeof value !== "string" || !URL.canParse(value)) return false
  const { protocol, username, password, search, hash } = new URL(value)
  return (
    ["http:", "https:"].includes(protocol) && [username, password, search, hash].every((part) => part === "")
  )
}

const checks: Readonly<Record<keyof HttpFlowClientOptions | "mode", OptionCheck>> = {
  mode: { expected: '"http"', fits: (value) => value === "http" },
  baseUrl: {
    expected: "an http:// or https:// URL without a user name, a query or a fragment",
    fits: isBaseUrl
  },
  hmacSecret: { expected: "a text that is not empty", fits: isText },
  bearerToken: { expected: "a text of visible ASCII characters", fits: isToken },
  headers: {
    expected: "an object of headers, or a function that gives one",
    fits: (value) =>
      typeof value === "function" ||
      (isRecord(value) && Object.values(value).every((header) => typeof header === "string"))
  },
  fetch: { expected: "a function", fits: (value) => typeof value === "function" },
  timeoutMillis: {
    expected: "a whole number of milliseconds from 1 to 86400000",
    fits: (value) => Number.isInteger(value) && Number(value) > 0 && Number(value) <= 86_400_000
  },
  retries: {
    expected: "a whole number from 0 to 100",
    fits: (value) => Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 100
  }
}

/** What was found, never what it says: it may be a secret in the wrong place. */
const kindOf = (value: unknown): string =>
  value === undefined
    ? "nothing"
    : value === null
      ? "null"
      : value === ""
        ? "an empty text"
        : `another ${typeof value}`
