/** What a client may be told. */
import type { HttpClientOptions } from "./http/HttpClientOptions.ts"

/** Where the engine is, and how to reach it. */
export type FlowClientOptions = LocalClientOptions | HttpClientOptions

/** What a local client remembers. `false`: nothing. `memory`: until it is closed. `file` and `sqlite`: in a folder, for ever; of a record in SQLite several processes may be writers. */
export type ClientState = false | "memory" | { readonly kind: "file" | "sqlite"; readonly dataDir?: string }

/** A client on this machine. */
export interface LocalClientOptions {
  readonly mode: "local"
  /** The workspace: flows are looked for in its `.codex/flows` and `flows`. Default: the working directory. */
  readonly cwd?: string
  /** Folders of flows, instead of the two of the workspace. */
  readonly roots?: ReadonlyArray<string>
  /** The variables that steps inherit. Default: those of this process. Secrets of patchmoi are never among them. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Default: `memory`. `file` and `sqlite` without `dataDir` keep it in `<cwd>/.codex/flow-client`. */
  readonly state?: ClientState
  /** How many runs may be under way at once. Default: 4. */
  readonly concurrency?: number
  /** How many runs may wait before `dispatchEvent` and `replayEvent` throw `QueueFull`. Default: 10,000. */
  readonly queueMax?: number
}
