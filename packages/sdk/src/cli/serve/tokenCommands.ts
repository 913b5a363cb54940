/** `patchmoi token …`: the bearer tokens of a backend. */
import { buildCommand, buildRouteMap } from "@stricli/core"
import { type CliContext, lazily } from "../command.ts"
import { argument, commonOptions, option, required } from "../options.ts"
import type { RecordFlags } from "../Session.ts"
import type { TokenCreateFlags } from "./flags.ts"

const flags = {
  ...commonOptions,
  dataDir: option(
    "The folder of the backend (default: DATA_DIR, CODEX_FLOW_BACKEND_DATA_DIR, then .codex/flow-backend)",
    "dir"
  )
} as const

const create = buildCommand<TokenCreateFlags, [], CliContext>({
  docs: {
    brief: "Make a token and print it, once",
    fullDescription:
      "Makes a token and prints it, once: what is kept is its hash. A running server takes it within a second. From the first token on, a server asks every caller for proof."
  },
  parameters: {
    flags: {
      ...flags,
      name: required(
        "Who it is for: letters, digits, dot, dash, underscore; stands in the facts of what it does",
        "name"
      ),
      scopes: {
        kind: "parsed",
        parse: scopesOf,
        brief: "What it may do, with commas between: read, dispatch, operate",
        placeholder: "scopes"
      }
    }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.tokenCreate())
})

const list = buildCommand<RecordFlags, [], CliContext>({
  docs: { brief: "List the tokens" },
  parameters: { flags },
  loader: lazily(async () => (await import("../apart.ts")).apart.tokenList())
})

const revoke = buildCommand<RecordFlags, [string], CliContext>({
  docs: { brief: "End a token; a running server refuses it within a second" },
  parameters: {
    flags,
    positional: { kind: "tuple", parameters: [argument("The id or the name of the token", "token")] }
  },
  loader: lazily(async () => (await import("../apart.ts")).apart.tokenRevoke())
})

/** The commands of the noun. */
export const tokenCommands = buildRouteMap<"create" | "list" | "revoke", CliContext>({
  routes: { create, list, revoke },
  docs: { brief: "The tokens of a backend" }
})

// --- internal ---

/** The scopes that there are; the same as the server's, which this file must not load. */
const scopeNames = ["read", "dispatch", "operate"] as const

function scopesOf(input: string): ReadonlyArray<(typeof scopeNames)[number]> {
  const asked = input.split(",").map((scope) => scope.trim())
  return asked.map((name) => {
    const scope = scopeNames.find((known) => known === name)
    if (scope !== undefined) return scope
    throw new Error(`must be ${scopeNames.join(", ")}, with commas between; found ${JSON.stringify(name)}`)
  })
}
