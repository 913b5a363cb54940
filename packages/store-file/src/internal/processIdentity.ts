/** Who a process is, so that a later one with the same number is not taken for it. Linux tells; elsewhere only the number counts. */
import * as fs from "node:fs"
import * as os from "node:os"
import type { LockOwner } from "../FileStoreErrors.ts"
import { errorCode } from "./fileOps.ts"

/** This process. `at` is in milliseconds since the Unix epoch. */
export const thisProcess = (at: number): LockOwner => {
  const startTicks = processStat(process.pid)?.startTicks
  const bootId = readText("/proc/sys/kernel/random/boot_id")?.trim()
  return {
    pid: process.pid,
    ...(startTicks === undefined ? {} : { startTicks }),
    ...(bootId === undefined ? {} : { bootId }),
    host: os.hostname(),
    at,
    released: false
  }
}

/** Whether the owner of a lock may still be there. One on another machine cannot be asked, so it counts as there. */
export const mayBeAlive = (owner: LockOwner): boolean => {
  if (owner.released) return false
  const self = thisProcess(owner.at)
  if (owner.host !== self.host) return true
  if (owner.bootId !== undefined && self.bootId !== undefined && owner.bootId !== self.bootId) return false
  if (self.startTicks === undefined) return answersSignal(owner.pid)
  const stat = processStat(owner.pid)
  if (stat === undefined || stat.state === "Z" || stat.state === "X") return false
  return owner.startTicks === undefined || stat.startTicks === owner.startTicks
}

// --- internal ---

const readText = (path: string): string | undefined => {
  try {
    return fs.readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** Fields 3 and 22 of `/proc/<pid>/stat` (proc_pid_stat(5)); the name in field 2 may hold spaces and parentheses. */
const processStat = (pid: number): { readonly state: string; readonly startTicks: number } | undefined => {
  const text = readText(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const startTicks = Number(fields[19])
  return Number.isSafeInteger(startTicks) ? { state: fields[0] ?? "", startTicks } : undefined
}

const answersSignal = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return errorCode(error) === "EPERM"
  }
}
