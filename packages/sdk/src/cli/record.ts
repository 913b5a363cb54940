/** Opens what a command works on, the record and the engine over it, and closes it in every case. */
import type * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { layerLocal } from "../compose.ts"
import { heldStore } from "../record/recordKind.ts"
import { localOptions, type RecordOptions, recordState } from "./recordOptions.ts"
import { requireRecord } from "./requireRecord.ts"
import { runWith } from "./runWith.ts"
import type { Session } from "./Session.ts"

/** Everything that {@link layerRecord} provides. */
export type RecordServices = Layer.Layer.Success<ReturnType<typeof layerRecord>>

/** A record with the engine over it. What the engine has under way is drained when it is released. */
export const layerRecord = (session: Session, options: RecordOptions) =>
  layerLocal(localOptions(session, options))

/** Runs an effect over a record. */
export const withRecord = <A, E>(
  session: Session,
  options: RecordOptions,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> =>
  runWith(session, layerRecord(session, options), effect, { leavesNothing: options.state.kind === "memory" })

/** Runs an effect that only reads a record. A service may write it meanwhile. A folder without one reads as empty. */
export const readingRecord = <A, E>(
  session: Session,
  dataDir: string,
  effect: Effect.Effect<A, E, RecordServices>
): Promise<A> => {
  if (heldStore(dataDir) === undefined && !session.json) session.note(`There is no record in ${dataDir} yet`)
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
