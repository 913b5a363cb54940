/** Opens what a command works on, the record and the engine over it, and closes it in every case. */
import { existsSync } from "node:fs"
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { type LocalOptions, layerLocal, type StateKind } from "../compose.ts"
import type { StepEnvironment } from "../executor/StepEnvironment.ts"
import { recordKind } from "../record/recordKind.ts"
import type { StoreKind } from "../record/storeKinds.ts"
import { requireRecord } from "./requireRecord.ts"
import { runWith } from "./runWith.ts"
import type { Session } from "./Session.ts"

/** Everything that {@link layerRecord} provides. */
export type RecordServices = Layer.Layer.Success<ReturnType<typeof layerRecord>>

/** What a command says about its record. */
export interface RecordOptions {
  readonly state: StateKind
  readonly engine?: EngineOptions
  /** Whether steps inherit all of the caller's variables, or the short list of a service. Default: `inherit`. */
  readonly environment?: StepEnvironment["mode"]
  /** Further names that no step gets; more may be put in while the record is open. Default: none. */
  readonly secrets?: ReadonlyArray<string>
  /** Whether the command hands over what is queued for other backends, as a service does. Default: false. */
  readonly handsOver?: boolean
}

/** A record with the engine over it. What the engine has under way is drained when it is released. */
export const layerRecord = (session: Session, options: RecordOptions) =>
  layerLocal(localOptions(session, options))

/** What the composing room is told of a record that a command opens. */
export const localOptions = (session: Session, options: RecordOptions): LocalOptions => ({
  workspaceRoot: session.directory,
  state: options.state,
  handsOver: options.handsOver ?? false,
  environment: {
    mode: options.environment ?? "inherit",
    values: session.caller.env,
    secrets: options.secrets ?? []
  },
  engine: { launchedBy: "patchmoi-cli", ...options.engine }
})

/** The record in a folder, in whatever store it is; `asked` is the kind that the user named. Throws `RecordUnusable`. */
export const recordState = (
  dataDir: string,
  access: "write" | "read",
  asked?: StoreKind
): Extract<StateKind, { readonly dataDir: string }> => ({
  kind: recordKind(dataDir, asked, "file"),
  dataDir,
  access
})

/** Runs an effect over a record. */
export const withRecord = <A, E>(
  session: Session,
  options: RecordOptions,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> =>
  runWith(session, layerRecord(session, options), effect, { leavesNothing: options.state.kind === "memory" })

/** Runs an effect that only reads a record. A service may write it meanwhile. A folder that is not there reads as empty. */
export const readingRecord = <A, E>(
  session: Session,
  dataDir: string,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> => {
  if (!existsSync(dataDir) && !session.json) session.note(`There is no record in ${dataDir} yet`)
  return withRecord(session, { state: recordState(dataDir, "read") }, effect)
}

/** Runs an effect over a record that is there, as its one writer; what starts steps gives `secrets`. Rejects with {@link NoRecord}, or `StoreLocked` while a service writes it. */
export const writingRecord = async <A, E>(
  session: Session,
  dataDir: string,
  options: Omit<RecordOptions, "state">,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> => {
  requireRecord(dataDir)
  return withRecord(session, { state: recordState(dataDir, "write"), ...options }, effect)
}
