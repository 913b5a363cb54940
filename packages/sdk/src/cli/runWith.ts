/** Runs the effect behind a command, and releases what it stands on in every case. */
import * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as LogLevel from "effect/LogLevel"
import * as ManagedRuntime from "effect/ManagedRuntime"
import type { Session } from "./Session.ts"

export interface RunOptions {
  /** What is logged. Default: warnings and worse. */
  readonly logLevel?: LogLevel.LogLevel
  /**
   * Whether the effect ends only when nothing is under way any more and nothing of it outlives the process: the services
   * are then left to the end of the process, which saves milliseconds. Default: false.
   */
  readonly leavesNothing?: boolean
}

/** Runs an effect over the services of a layer, and releases them. Rejects with the error itself. */
export const runWith = async <A, E, R, LE>(
  session: Session,
  layer: Layer.Layer<R, LE>,
  effect: Effect.Effect<A, E, R>,
  options: RunOptions = {}
): Promise<A> => {
  const log = layerLog(session, options.logLevel ?? LogLevel.Warning)
  const runtime = ManagedRuntime.make(Layer.provideMerge(layer, log))
  const exit = await runtime.runPromiseExit(effect)
  if (options.leavesNothing !== true || Exit.isFailure(exit)) await runtime.dispose()
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

// --- internal ---

/** What the engine logs goes to standard error, from `level` up: standard output is for results. */
const layerLog = ({ caller }: Session, level: LogLevel.LogLevel): Layer.Layer<never> =>
  Layer.mergeAll(
    // Nobody collects the spans of a command.
    Layer.setTracerEnabled(false),
    Logger.replace(
      Logger.defaultLogger,
      Logger.map(Logger.logfmtLogger, (line) => caller.stderr.write(`${line}\n`))
    ),
    Logger.minimumLogLevel(level)
  )
