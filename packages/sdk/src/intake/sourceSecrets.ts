/** The names of secrets in a sources file: what no step may see, whoever asks for it. */
import { isRecord } from "./internal/isRecord.ts"

/**
 * The variables that hold the secrets of the sources' targets, of the entries of a sources file as they stand there: the
 * secret of a source that is broken, and so not watched, is a secret all the same.
 */
export const secretNamesOf = (entries: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  entries.flatMap((entry) => {
    const target = isRecord(entry) ? entry["target"] : undefined
    if (!isRecord(target)) return []
    return [target["workspaceSecretEnv"], target["dispatchSecretEnv"]].filter(
      (name) => typeof name === "string"
    )
  })
