/**
 * `patchmoi watch`: polls every source once and awaits what their releases start; with `--follow` it is the watching
 * service, until a signal ends it. Steps get the variables that a service hands on, either way.
 */
import type { Run } from "../command.ts"
import { newRecordFolder, type Session } from "../Session.ts"
import { UsageError } from "../UsageError.ts"
import { variable } from "../variables.ts"
import type { WatchFlags, WatchPlaces } from "./flags.ts"

export const run: Run<WatchFlags> = async (session, flags) => {
  const places: WatchPlaces = {
    sourcesFile: sourcesFileOf(session, flags),
    dataDir: newRecordFolder(session, flags),
    store: flags.store
  }
  if (flags.follow !== true) return (await import("./pollOnce.ts")).pollOnce(session, places)
  return (await import("./serve.ts")).serve(session, places)
}

// --- internal ---

const sourcesFileOf = (session: Session, { sources }: WatchFlags): string => {
  const given = sources ?? variable(session.caller.env, "FEED_SOURCES_PATH")
  if (given !== undefined) return session.path(given)
  throw new UsageError("missing --sources <file>, or FEED_SOURCES_PATH", { option: "--sources" })
}
