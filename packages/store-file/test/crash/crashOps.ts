/**
 * File operations that stop the process hard at one point. Before, in the middle of (for writes) and after each
 * operation that changes something is a point; points are counted from 1.
 */
import * as fs from "node:fs"
import { type FileSystemOps, fileOps } from "../../src/internal/fileOps.ts"

export interface CrashingOps {
  readonly ops: FileSystemOps
  /** Points that were passed so far. */
  readonly points: () => number
}

/** Stops at this point; 0 never stops. */
export const crashOps = (target: number): CrashingOps => {
  let passed = 0
  const point = (): void => {
    passed += 1
    if (passed === target) stop()
  }
  /** A point before the operation and one after it. */
  const around = <A>(operate: () => A): A => {
    point()
    const result = operate()
    point()
    return result
  }
  const ops: FileSystemOps = {
    ...fileOps,
    open: (path, flags) =>
      flags === "r" ? fileOps.open(path, flags) : around(() => fileOps.open(path, flags)),
    write: (file, bytes) =>
      around(() => {
        passed += 1
        if (passed === target) {
          fs.writeSync(file, bytes, 0, Math.floor(bytes.length * ((target % 7) / 7)))
          stop()
        }
        fileOps.write(file, bytes)
      }),
    sync: (file) => around(() => fileOps.sync(file)),
    syncLater: async (file) => {
      point()
      await fileOps.syncLater(file)
      point()
    },
    syncDirectory: (path) => around(() => fileOps.syncDirectory(path)),
    rename: (from, to) => around(() => fileOps.rename(from, to)),
    link: (from, to) => around(() => fileOps.link(from, to)),
    remove: (path) => around(() => fileOps.remove(path)),
    truncate: (path, bytes) => around(() => fileOps.truncate(path, bytes)),
    makeDirectory: (path) => around(() => fileOps.makeDirectory(path))
  }
  return { ops, points: () => passed }
}

// --- internal ---

/** Nothing of this process runs after it: no handler, no finalizer, no buffer is flushed. */
const stop = (): never => {
  process.kill(process.pid, "SIGKILL")
  while (true) {
    // The signal is on its way.
  }
}
