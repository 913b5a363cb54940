/** Opens what a command works on, the record and the engine over it, and closes it in every case. */
import { existsSync } from "node:fs"
import type { EngineOptions } from "@patchmoi/core/engine/EngineOptions"
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { layerLocal, type StateKind } from "../compose.ts"
import type { Session } from "./Session.ts"

/** Everything that {@link withRecord} provides. */
export type RecordServices = Layer.Layer.Success<ReturnType<typeof layerLocal>>

/** Runs an effect over the services of a layer, and releases them. Rejects with the error itself. */
export const runWith = async <A, E, R, LE>(
  session: Session,
  layer: Layer.Layer<R, LE>,
  effect: Effect.Effect<A, E, R>
): Promise<A> => {
  const runtime = ManagedRuntime.make(Layer.merge(layer, layerLog(session)))
  const exit = await runtime.runPromiseExit(effect)
  await runtime.dispose()
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

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

// --- internal ---

/** What the engine logs goes to standard error, from warnings up: standard output is for results. */
const layerLog = ({ caller }: Session): Layer.Layer<never> =>
  Layer.merge(
    Logger.replace(
      Logger.defaultLogger,
      Logger.map(Logger.logfmtLogger, (line) => caller.stderr.write(`${line}\n`))
    ),
    Logger.minimumLogLevel(LogLevel.Warning)
  )
