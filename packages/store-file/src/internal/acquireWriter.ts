/** What every writer into a store does first: the folder, the lock, the log, and the cut of a torn tail. */
import type { StoreError } from "@patchmoi/core/store/Log"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type * as Scope from "effect/Scope"
import type { LockOwner, LogDamaged, StoreLocked } from "../FileStoreErrors.ts"
import { type Cut, cutLog } from "./cutLog.ts"
import { type FileSystemOps, makeDurableDirectory } from "./fileOps.ts"
import { layout } from "./layout.ts"
import { takeLock } from "./lockFile.ts"
import { type LogSource, type OpenedLog, openLog } from "./openLog.ts"
import { thisProcess } from "./processIdentity.ts"
import { removeManifest } from "./snapshotFormat.ts"
import { storing } from "./storing.ts"

/** A log that is open for writing. */
export interface WritableLog extends OpenedLog {
  /** The torn tail that was cut off. */
  readonly cut: Cut | undefined
}

/** Takes the lock until the scope closes; gives the owner that went without giving it back, if one did. */
export const acquireLock = (
  ops: FileSystemOps,
  directory: string
): Effect.Effect<LockOwner | undefined, StoreError | StoreLocked, Scope.Scope> =>
  Effect.gen(function* () {
    const owner = thisProcess(yield* Clock.currentTimeMillis)
    const nonce = String(yield* Random.nextIntBetween(0, Number.MAX_SAFE_INTEGER))
    const held = yield* Effect.acquireRelease(
      Effect.flatten(
        storing("take the lock", () => {
          makeDurableDirectory(ops, directory)
          return takeLock(ops, directory, owner, nonce)
        })
      ),
      ({ release }) =>
        Effect.catchAll(storing("give the lock back", release), (error) => Effect.logWarning(error.message))
    )
    return held.tookOver
  })

/** Reads the log under the lock and cuts its torn tail, if it has one. */
export const openForWriting = (
  ops: FileSystemOps,
  source: LogSource
): Effect.Effect<WritableLog, StoreError | LogDamaged, Scope.Scope> =>
  Effect.gen(function* () {
    const { directory } = source
    const opened = yield* Effect.acquireRelease(
      Effect.flatten(storing("read the log", () => openLog(ops, source))),
      ({ replica }) => Effect.sync(() => replica.close())
    )
    const { ignored } = opened.snapshot
    if (ignored !== undefined) {
      yield* Effect.logWarning(`The snapshot in ${layout(directory).snapshot} is not used: ${ignored}`)
      yield* storing("remove the snapshot", () => removeManifest(ops, layout(directory).snapshot))
    }
    const cut = yield* storing("cut the torn tail of the log", () => cutLog(ops, directory, opened.scan))
    if (cut !== undefined) {
      yield* Effect.logWarning(
        `The log ended in the middle of a commit that was never acknowledged (${cut.file}:${cut.line}, ${cut.reason}); ` +
          `${cut.bytes} bytes are kept in ${cut.copies.join(", ")}`
      )
    }
    return { ...opened, cut }
  })
