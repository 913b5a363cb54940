/**
 * Process groups: every step leads one, so that its children can be ended with it.
 *
 * A process that calls `setsid` leaves the group and is out of reach; what it does to the run is bounded
 * by the wait for output in StepProcess.ts.
 */

import { readdirSync, readFileSync } from "node:fs"
import type { ProcessIdentity } from "@patchmoi/core/executor/Executor"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** How often a group that was asked to end is looked at, in milliseconds. */
const pollMillis = 10

/**
 * What tells this process from a later one with the same number. Start ticks are absent where there is no
 * `/proc`, and when the process is already gone.
 *
 * Read off the main thread: the kernel makes the reader wait while a fresh process sets up its memory
 * (measured: 1.3 ms). By `Bun.file`, as loading `node:fs/promises` costs milliseconds of a cold start.
 */
export const identifyProcess = (pid: number): Effect.Effect<ProcessIdentity> =>
  Effect.promise(async () => {
    const stat = await Bun.file(statPath(pid))
      .text()
      .catch(() => undefined)
    return stat === undefined ? { pid } : { pid, startTicks: parseStat(stat).startTicks }
  })

/** When a process started, in ticks since the boot; undefined where that cannot be read. */
export const readStartTicks = (pid: number): number | undefined => readStat(pid)?.startTicks

/**
 * Whether a process is gone for certain: nobody has its number, or somebody who started at another time, or it ended and
 * waits for its parent to notice. False where that cannot be read: a process may be there and hidden from its neighbours.
 */
export const isProcessGone = ({
  pid,
  startTicks
}: Required<Pick<ProcessIdentity, "pid" | "startTicks">>): boolean => {
  if (!exists(pid)) return true
  const stat = readStat(pid)
  return stat !== undefined && (stat.startTicks !== startTicks || stat.state === "Z" || stat.state === "X")
}

/** Sends a signal to every process of the group; false when there is nobody (left) to send it to. */
export const signalGroup = (groupId: number, signal: "SIGTERM" | "SIGKILL"): boolean => kill(-groupId, signal)

/** Whether a process of the group still runs. One that ended and waits for its parent to notice does not count. */
export const isGroupAlive = (groupId: number): boolean => {
  if (!kill(-groupId, 0)) return false
  const members = listGroup(groupId)
  return members === undefined || members.some((stat) => stat.state !== "Z" && stat.state !== "X")
}

/**
 * Ends the group: SIGTERM, up to `graceMillis` for it to end by itself, then SIGKILL.
 *
 * Done when no process of the group runs, or when SIGKILL was sent: nothing survives that but a process
 * inside an uninterruptible system call, which dies when the call returns.
 */
export const endGroup = Effect.fnUntraced(function* (groupId: number, graceMillis: number) {
  if (!signalGroup(groupId, "SIGTERM")) return
  // Not the time of day: a clock that is set back must not keep alive what ignores SIGTERM.
  const deadlineNanos = (yield* Clock.currentTimeNanos) + BigInt(Math.ceil(graceMillis * 1_000_000))
  while (isGroupAlive(groupId)) {
    if ((yield* Clock.currentTimeNanos) >= deadlineNanos) {
      signalGroup(groupId, "SIGKILL")
      return
    }
    yield* Effect.sleep(pollMillis)
  }
})

/**
 * Ends the group of a step whose engine is gone, as `onStarted` reported it. Does nothing when the number
 * now belongs to another process, or where start times cannot be read: ending a stranger is worse than
 * leaving an orphan. True when the group was ended.
 */
export const endLostGroup = Effect.fn("processGroup.endLostGroup")(function* (
  identity: ProcessIdentity,
  graceMillis: number
) {
  const { pid, startTicks } = identity
  if (startTicks === undefined) return false
  const leader = readStat(pid)
  // Without its leader, the group keeps its number reserved for as long as it has a member.
  const isOurs =
    leader === undefined
      ? (listGroup(pid)?.every((member) => member.startTicks >= startTicks) ?? false)
      : leader.startTicks === startTicks && leader.groupId === pid
  if (!isOurs || !isGroupAlive(pid)) return false
  yield* endGroup(pid, graceMillis)
  return true
})

/**
 * The groups, other than the own one, of processes that were started with these variables. None where there is no `/proc`; whose
 * environment may not be read is passed over.
 */
export const listGroupsWith = (variables: Readonly<Record<string, string>>): ReadonlyArray<number> => {
  const wanted = Object.entries(variables).map(([name, value]) => `${name}=${value}`)
  const own = readStat(process.pid)?.groupId
  const groups = (listProcesses() ?? []).flatMap((pid) => {
    const given = readEnvironment(pid)
    if (!wanted.every((variable) => given.includes(variable))) return []
    const groupId = readStat(pid)?.groupId
    return groupId === undefined || groupId === own ? [] : [groupId]
  })
  return [...new Set(groups)]
}

// --- internal ---

interface ProcessStat {
  /** One letter, see proc_pid_stat(5); Z is a process that ended and was not waited for. */
  readonly state: string
  readonly groupId: number
  readonly startTicks: number
}

const kill = (target: number, signal: "SIGTERM" | "SIGKILL" | 0): boolean => {
  try {
    process.kill(target, signal)
    return true
  } catch {
    // ESRCH: nobody there. EPERM: a member changed its user, nothing here can end it.
    return false
  }
}

/** Whether a process has this number, also one that may not be signalled from here. */
const exists = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH")
  }
}

const statPath = (pid: number): string => `/proc/${pid}/stat`

/** Fields 3, 5 and 22 of `/proc/<pid>/stat`; the name before them may itself hold spaces and brackets. */
const parseStat = (stat: string): ProcessStat => {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return { state: fields[0] ?? "", groupId: Number(fields[2]), startTicks: Number(fields[19]) }
}

const readStat = (pid: number): ProcessStat | undefined => {
  try {
    return parseStat(readFileSync(statPath(pid), "latin1"))
  } catch {
    return undefined
  }
}

/** Every process, or undefined where there is no `/proc`. */
const listProcesses = (): ReadonlyArray<number> | undefined => {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  } catch {
    return undefined
  }
}

/** The members of a group, or undefined where there is no `/proc`. */
const listGroup = (groupId: number): ReadonlyArray<ProcessStat> | undefined =>
  listProcesses()
    ?.flatMap((pid) => readStat(pid) ?? [])
    .filter((stat) => stat.groupId === groupId)

/** The variables that a process was started with; none where they may not be read. */
const readEnvironment = (pid: number): ReadonlyArray<string> => {
  try {
    return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0")
  } catch {
    return []
  }
}
