/**
 * What a step needs, and nothing else: this file imports nothing, so that a step's process loads nothing
 * but Bun and the step itself.
 *
 * A module-style step exports its function, `export default defineBunFlow(async (context) => …)`; a raw one
 * calls {@link readFlowContext} and {@link emitResult}. docs/reference/flow-result.md has both in full.
 */

// @effect-diagnostics globalConsole:off -- This runs in the step's process, where Effect is not loaded.

/** What a step says that it achieved. */
export type FlowResultStatus =
  | "skipped"
  | "completed"
  | "changed"
  | "needs_intervention"
  | "blocked"
  | "failed"

/** A branch, tag or other ref that a maintenance step produced. A string stands for `{ kind: "ref", ref }`. */
export interface CandidateRef {
  /** Such as `branch` or `tag`. Default: `ref`. */
  readonly kind?: string
  /** Such as `refs/heads/candidate/v2.0.0`. */
  readonly ref: string
  readonly repo?: string
  readonly remote?: string
  /** The commit that the ref names. */
  readonly sha?: string
  readonly url?: string
  readonly pushed?: boolean
}

/** What a step hands back besides its status. patchmoi reads the candidate refs; everything else is kept. */
export interface FlowArtifacts {
  readonly candidateRefs?: ReadonlyArray<CandidateRef | string>
  readonly [name: string]: unknown
}

/** An event that a step asks for. It is dispatched in the same commit as the end of the run. */
export interface NextEvent {
  readonly type: string
  /** Default: made out of the run and the place in the list, so that a retry does not dispatch it twice. */
  readonly id?: string
  readonly source?: string
  readonly occurredAt?: string
  readonly payload?: unknown
}

/** The result of a step. Fields beyond these are kept. */
export interface FlowResult {
  readonly status: FlowResultStatus
  /** One sentence for the operator. */
  readonly message?: string
  readonly artifacts?: FlowArtifacts
  readonly next?: ReadonlyArray<NextEvent>
  readonly [name: string]: unknown
}

/** The event that a step runs for. */
export interface FlowEvent<Payload = unknown> {
  readonly id: string
  readonly type: string
  readonly source?: string
  /** When it happened upstream, as the sender wrote it. */
  readonly occurredAt?: string
  /** When patchmoi took it in: ISO 8601, UTC. */
  readonly receivedAt: string
  readonly payload: Payload
}

/** The document on the standard input of a step. */
export interface FlowContext<Payload = unknown, Config = Record<string, unknown>> {
  readonly flow: {
    readonly name: string
    readonly version: number
    /** The folder of the flow, absolute. */
    readonly root: string
    readonly step: string
    /** The `[config]` table of `flow.toml`; absent when it has none. */
    readonly config?: Config
    readonly event: FlowEvent<Payload>
  }
  readonly runtime: {
    readonly eventId: string
    /** Where the log of patchmoi tells that the event came in; absent when nobody knows. */
    readonly eventPosition?: number
    readonly runId?: string
    readonly attemptId?: string
    /** Whether somebody asked for the event to be run again. */
    readonly replay: boolean
    readonly workspaceBackendUrl?: string
    readonly launchedBy?: string
    /** What was decided when the step ended as `blocked` with `artifacts.approval`; absent before that. */
    readonly approval?: {
      readonly decision: "approved" | "rejected"
      /** Which of the choices that the step offered. */
      readonly choice?: string
      readonly by?: string
      readonly comment?: string
      /** ISO 8601, UTC. */
      readonly at: string
    }
  }
}

/** The function of a module-style step. What it throws becomes the result `failed` with the message. */
export type BunFlow<Payload = unknown, Config = Record<string, unknown>> = (
  context: FlowContext<Payload, Config>
) => FlowResult | Promise<FlowResult>

/**
 * Gives a module-style step its types; the function comes back as it is. `Payload` is your own type, or
 * `FromJsonSchema<typeof schema>` of a schema written `as const`. The types hold when the step's trigger
 * names that schema: patchmoi checks the payload before the step runs.
 */
export const defineBunFlow = <Payload = unknown, Config = Record<string, unknown>>(
  run: BunFlow<Payload, Config>
): BunFlow<Payload, Config> => run

/** Reads the context in a raw step: the whole of standard input, once. Rejects when that is not JSON. */
export const readFlowContext = <Payload = unknown, Config = Record<string, unknown>>(): Promise<
  FlowContext<Payload, Config>
> => Bun.stdin.json()

/**
 * Prints the result of a raw step, on a line of its own. It is written when this returns, so that
 * `process.exit()` may follow. Called twice, the last one counts.
 */
export const emitResult = (result: FlowResult): void => {
  // `console` writes at once and whole even to a full pipe; the first use of `process.stdout` costs 8 ms.
  console.log(`\nFLOW_RESULT ${JSON.stringify(result)}`)
}

/** Where the workspace back-end listens, when the step was launched by one. */
export const workspaceBackendUrlFromContext = (context: Pick<FlowContext, "runtime">): string | undefined =>
  context.runtime.workspaceBackendUrl

/**
 * The workspace that a flow is installed in, absolute: `<workspace>/flows/<flow>` and `<workspace>/.codex/flows/<flow>` both
 * belong to it.
 */
export const workspaceFromContext = (context: { readonly flow: { readonly root: string } }): string =>
  // By pattern, as this file imports nothing. The folder of a flow is `<root>/<name>`, whatever the two are called.
  context.flow.root.replace(/[/\\][^/\\]+[/\\][^/\\]+[/\\]?$/, "").replace(/[/\\]\.codex$/, "") || "/"

/**
 * The type of the values that fit a JSON Schema literal: `type` (one or several), `properties`, `required`,
 * `items`, `enum`, `const`, `anyOf`, `oneOf`. Whatever else a schema says narrows at run time only.
 */
export type FromJsonSchema<S> = S extends { readonly const: infer C }
  ? C
  : S extends { readonly enum: ReadonlyArray<infer E> }
    ? E
    : S extends { readonly anyOf: ReadonlyArray<infer Branch> }
      ? FromBranch<Branch>
      : S extends { readonly oneOf: ReadonlyArray<infer Branch> }
        ? FromBranch<Branch>
        : S extends { readonly type: ReadonlyArray<infer T> }
          ? FromTypeName<T, S>
          : S extends { readonly type: infer T }
            ? FromTypeName<T, S>
            : S extends { readonly properties: object }
              ? FromObject<S>
              : unknown

// --- internal ---

type FromBranch<Branch> = Branch extends unknown ? FromJsonSchema<Branch> : never

type FromTypeName<T, S> = T extends "string"
  ? string
  : T extends "number" | "integer"
    ? number
    : T extends "boolean"
      ? boolean
      : T extends "null"
        ? null
        : T extends "array"
          ? S extends { readonly items: infer Items }
            ? ReadonlyArray<FromJsonSchema<Items>>
            : ReadonlyArray<unknown>
          : T extends "object"
            ? FromObject<S>
            : unknown

type RequiredName<S> = S extends { readonly required: ReadonlyArray<infer Name> } ? Name : never

type Flatten<T> = { [K in keyof T]: T[K] }

type FromObject<S> = S extends { readonly properties: infer Properties }
  ? Flatten<
      {
        readonly [K in keyof Properties as K extends RequiredName<S> ? K : never]: FromJsonSchema<
          Properties[K]
        >
      } & {
        readonly [K in keyof Properties as K extends RequiredName<S> ? never : K]?: FromJsonSchema<
          Properties[K]
        >
      }
    >
  : { readonly [name: string]: unknown }
