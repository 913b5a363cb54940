/** What the sources file keeps from steps that a person starts: the file of the service may name secrets that the shell holds too. */
import type { Session } from "./Session.ts"
import { variable } from "./variables.ts"

/**
 * The names of secrets in the sources file of `FEED_SOURCES_PATH`; none without that variable. Rejects with
 * `SourcesFileError` where the file cannot be used: which names to keep from a step is then not known.
 */
export const stepSecrets = async (session: Session): Promise<ReadonlyArray<string>> => {
  const given = variable(session.caller.env, "FEED_SOURCES_PATH")
  if (given === undefined) return []
  const { readSourceSecrets } = await (await import("./apart.ts")).apart.sourceSecrets()
  return readSourceSecrets(session, session.path(given))
}
