/**
 * Names of engines from which another process of the same machine can tell that their process is gone.
 *
 * A name is `engine-<random>.<pid>.<start ticks>.<place>`. The start ticks tell a process from a later one with the same
 * number; the place stands for the boot of the machine and for the namespaces in which numbers and ticks mean something.
 * About an engine of another place nothing is said: it may be alive where this process cannot look.
 */
import { readFileSync, readlinkSync } from "node:fs"
import * as Effect from "effect/Effect"
import { isProcessGone, readStartTicks } from "./processGroup.ts"

/** A name for an engine of this process; undefined where there is no `/proc` to make one from. */
export const makeWorkerId: Effect.Effect<string | undefined> = Effect.sync(() => {
  const startTicks = readStartTicks(process.pid)
  const place = readPlace()
  if (startTicks === undefined || place === undefined) return undefined
  return `engine-${globalThis.crypto.randomUUID().slice(0, 8)}.${process.pid}.${startTicks}.${place}`
})

/** Whether the process that the name stands for is gone for certain. False for a name that says nothing here. */
export const isWorkerDead = (workerId: string): Effect.Effect<boolean> =>
  Effect.sync(() => {
    const [, pid, startTicks, place] =
      /^engine-[^.]+\.(\d{1,10})\.(\d{1,15})\.([0-9a-f]{12})$/.exec(workerId) ?? []
    return (
      pid !== undefined &&
      startTicks !== undefined &&
      place === readPlace() &&
      isProcessGone({ pid: Number(pid), startTicks: Number(startTicks) })
    )
  })

// --- internal ---

/** What has to be the same for a process number and start ticks to name the same process. */
const readPlace = (): string | undefined => {
  try {
    const parts = [
      readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim(),
      readlinkSync("/proc/self/ns/pid"),
      readTimeNamespace()
    ]
    // `node:crypto` takes 5 ms to load, in every command that runs a step.
    return new Bun.CryptoHasher("sha256").update(parts.join("\n")).digest("hex").slice(0, 12)
  } catch {
    return undefined
  }
}

/** Start ticks count from a boot that a time namespace may move. Kernels before 5.6 have none. */
const readTimeNamespace = (): string => {
  try {
    return readlinkSync("/proc/self/ns/time")
  } catch {
    return ""
  }
}
