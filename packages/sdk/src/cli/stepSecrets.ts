/** What the sources file keeps from steps that a person starts: the file of the service may name secrets that the shell holds too. */
import * as Layer from "effect/Layer"
import { runWith } from "./runWith.ts"
import type { Session } from "./Session.ts"
import { variable } from "./variables.ts"

/**
 * The names of secrets in the sources file of `FEED_SOURCES_PATH`; none without that variable. Rejects with
 * `SourcesFileError` where the file cannot be used: which names to keep from a step is then not known.
 */
export const stepSecrets = async (session: Session): Promise<ReadonlyArray<string>> => {
  const given = variable(session.caller.env, "FEED_SOURCES_PATH")
  if (given === undefined) return []
  // Loaded only here: the modules of the intake would cost every other start of a step milliseconds.
  const { readSourcesFile } = await import("../intake/SourcesFile.ts")
  const { secretNames } = await runWith(session, Layer.empty, readSourcesFile(session.path(given)))
  return secretNames
}
