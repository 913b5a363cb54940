/** Opens what a command works on, the record and the engine over it, and closes it in every case. */
import { existsSync } from "node:fs"
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { layerLocal, type StateKind } from "../compose.ts"
import { requireRecord } from "./requireRecord.ts"
import { runWith } from "./runWith.ts"
import type { Session } from "./Session.ts"

/** Everything that {@link withRecord} provides. */
export type RecordServices = Layer.Layer.Success<ReturnType<typeof layerLocal>>

/** Runs an effect over a record, with the engine over it. What the engine has under way is drained at the end. */
export const withRecord = <A, E>(
  session: Session,
  options: { readonly state: StateKind; readonly engine?: EngineOptions },
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> =>
  runWith(
    session,
    layerLocal({
      workspaceRoot: session.directory,
      state: options.state,
      environment: { mode: "inherit", values: session.caller.env, secrets: [] },
      engine: { launchedBy: "patchmoi-cli", ...options.engine }
    }),
    effect
  )

/** Runs an effect that only reads a record. A service may write it meanwhile. A folder that is not there reads as empty. */
export const readingRecord = <A, E>(
  session: Session,
  dataDir: string,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> => {
  if (!existsSync(dataDir)) session.note(`There is no record in ${dataDir} yet`)
  return withRecord(session, { state: { kind: "file", dataDir, access: "read" } }, effect)
}

/** Runs an effect over a record that is there, as its one writer. Rejects with {@link NoRecord}, or `StoreLocked` while a service writes it. */
export const writingRecord = async <A, E>(
  session: Session,
  dataDir: string,
  engine: EngineOptions,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> => {
  requireRecord(dataDir)
  return withRecord(session, { state: { kind: "file", dataDir, access: "write" }, engine }, effect)
}
