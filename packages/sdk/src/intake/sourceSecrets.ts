/** The names of secrets in a sources file: what no step may see, whoever asks for it. */
import { isWorkspaceTarget, type Source } from "./Source.ts"

/** The variables that hold the secrets of the sources' targets. */
export const secretNamesOf = (sources: ReadonlyArray<Source>): ReadonlyArray<string> =>
  sources.flatMap(({ target }) =>
    isWorkspaceTarget(target) ? [target.workspaceSecretEnv ?? [], target.dispatchSecretEnv ?? []].flat() : []
  )
