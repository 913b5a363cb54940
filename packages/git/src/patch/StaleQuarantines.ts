/**
 * Object folders that stopped rebuilds left behind, in the git folder and in memory: finding them, and removing them.
 *
 * A folder is stale when the process that made it is gone, or when it is older than a day. Whether a process is gone can be
 * told only on its own machine, so a folder that another machine made (a repository on a shared disk) goes by its age.
 * The folder in memory is shared by all repositories and users, so what lies there is this repository's by its name, and is
 * looked at only when it belongs to the user of this process.
 */
import { createHash } from "node:crypto"
import { lstat, readdir, rm } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { MemoryFolder } from "../internal/memoryFolder.ts"
import type { Repository } from "../Repository.ts"

/** Age after which a folder is stale whoever made it, in milliseconds: one day. */
export const quarantineAgeMillisMax = 24 * 60 * 60 * 1000

/** Folders that one look lists. The next look finds the rest. */
export const staleQuarantinesMax = 1_000

/** A folder that nobody uses any more. */
export const StaleQuarantine = Schema.Struct({
  directory: Schema.String,
  /** `owner-gone`: its process has ended. `old`: it is older than a day. */
  reason: Schema.Literal("owner-gone", "old"),
  /** Time since the folder was made, in milliseconds. */
  ageMillis: Schema.Number
})
export type StaleQuarantine = typeof StaleQuarantine.Type

/** Lists the stale folders of the repository, those on the disk first, in the order of their names. Reads only; never fails. */
export const listStaleQuarantines = Effect.fn("StaleQuarantines.list")(function* (options: {
  readonly repository: Repository
}) {
  const memory = yield* MemoryFolder
  const places: Array<Place> = [{ home: quarantineHome(options.repository), prefix: "", uid: null }]
  if (memory.path !== null) {
    const prefix = memoryPrefixOf(options.repository)
    places.push({ home: memory.path, prefix, uid: process.getuid?.() ?? null })
  }
  const now = yield* Clock.currentTimeMillis
  return yield* Effect.promise(async () => {
    const stale = (await Promise.all(places.map((place) => staleIn(place, now)))).flat()
    return stale.slice(0, staleQuarantinesMax)
  })
})

/** Removes the stale folders and gives those that are gone now. One that cannot be removed is left for the next time. */
export const sweepStaleQuarantines = Effect.fn("StaleQuarantines.sweep")(function* (options: {
  readonly repository: Repository
}) {
  const stale = yield* listStaleQuarantines(options)
  const removed = yield* Effect.forEach(stale, ({ directory }) =>
    Effect.promise(() =>
      rm(directory, { recursive: true, force: true }).then(
        () => true,
        () => false
      )
    )
  )
  return stale.filter((_, at) => removed[at])
})

/** The folder in which quarantines are made. */
export const quarantineHome = ({ commonDirectory }: Pick<Repository, "commonDirectory">): string =>
  join(commonDirectory, "patchmoi")

/** What the names of a repository's quarantines in memory have in front. */
export const memoryPrefixOf = ({ commonDirectory }: Pick<Repository, "commonDirectory">): string =>
  `patchmoi-${createHash("sha256").update(commonDirectory).digest("hex").slice(0, 16)}-`

/** What the name of a quarantine begins with: the process that makes it, and its machine. So it is signed from the start. */
export const quarantineNameOf = (pid: number, host: string = hostname()): string =>
  `quarantine-${pid}-${createHash("sha256").update(host).digest("hex").slice(0, 8)}-`

// --- internal ---

interface Place {
  readonly home: string
  readonly prefix: string
  /** Whose folders are looked at, where the place is not the repository's own. */
  readonly uid: number | null
}

const staleIn = async (
  { home, prefix, uid }: Place,
  now: number
): Promise<ReadonlyArray<StaleQuarantine>> => {
  const stale: Array<StaleQuarantine> = []
  // Without the folder nothing was ever left behind.
  for (const name of (await readdir(home).catch(() => [])).sort()) {
    if (!name.startsWith(`${prefix}quarantine-`) || stale.length >= staleQuarantinesMax) continue
    const directory = join(home, name)
    // Another process may remove the same leftover at the same time, hence the tolerant look. A link is nobody's quarantine.
    const found = await lstat(directory).catch(() => null)
    if (found === null || !found.isDirectory() || (uid !== null && found.uid !== uid)) continue
    const ageMillis = now - found.mtimeMs
    if (ageMillis > quarantineAgeMillisMax) stale.push({ directory, reason: "old", ageMillis })
    else if (isOwnerGone(name.slice(prefix.length)))
      stale.push({ directory, reason: "owner-gone", ageMillis })
  }
  return stale
}

/** A folder whose name does not say that it is this machine's goes by its age. */
const isOwnerGone = (name: string): boolean => {
  const pid = Number(/^quarantine-(\d{1,10})-/.exec(name)?.[1] ?? 0)
  return pid > 0 && name.startsWith(quarantineNameOf(pid)) && !isAlive(pid)
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    // Somebody else's process is alive, too.
    return cause instanceof Error && "code" in cause && cause.code === "EPERM"
  }
}
