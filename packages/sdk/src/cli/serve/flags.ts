/** What `patchmoi serve` and `patchmoi token` take. Imports nothing heavy: help and completions read it. */
import type { ExecutorKind } from "../../executor/ExecutorKind.ts"
import type { RecordFlags, StoreFlags } from "../Session.ts"

export interface ServeFlags extends StoreFlags {
  readonly host?: string
  readonly port?: number
  readonly executor?: "bun" | "systemd-run" | "direct"
  readonly secretEnv?: string
  readonly forwardEnv?: ReadonlyArray<string>
  readonly hosts?: ReadonlyArray<string>
  readonly concurrency?: number
  readonly queueMax?: number
  readonly rate?: number
  readonly bodyMax?: number
}

/** What they mean, with the variables behind them. */
export interface ServePlan {
  readonly host: string
  readonly port: number
  readonly executor: ExecutorKind
  readonly dataDir: string
  /** The variable that holds the secret. */
  readonly secretName: string
  readonly secret?: string
  readonly forward?: ReadonlyArray<string>
}

export interface TokenCreateFlags extends RecordFlags {
  readonly name: string
  readonly scopes: ReadonlyArray<"read" | "dispatch" | "operate">
}

/** A port, or why it is none. */
export const portOf = (input: string): number => {
  const port = Number(input)
  if (/^\d{1,5}$/.test(input) && port <= 65_535) return port
  throw new Error(`must be a port, a whole number from 0 to 65535; found ${JSON.stringify(input)}`)
}

/** Names of variables, with commas between. */
export const namesOf = (input: string): ReadonlyArray<string> => {
  const names = input
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "")
  const wrong = names.find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
  if (wrong === undefined) return names
  throw new Error(`must be names of variables with commas between; found ${JSON.stringify(wrong)}`)
}

/** Names of hosts or addresses without ports, with commas between; an IPv6 address in brackets. In lower case. */
export const hostsOf = (input: string): ReadonlyArray<string> => {
  const names = input.split(",").map((name) => name.trim().toLowerCase())
  const wrong = names.find((name) => !/^([a-z0-9_]([a-z0-9._-]*[a-z0-9_.])?|\[[0-9a-f:.]+\])$/.test(name))
  if (wrong === undefined) return names
  throw new Error(
    `must be names of hosts as requests call them, without scheme and port, with commas between; found ${JSON.stringify(wrong)}`
  )
}
