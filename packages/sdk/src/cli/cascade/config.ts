/** What the commands of `patchmoi cascade` begin with: the configuration with its warnings, and the services. */
import { join } from "node:path"
import type { CascadeConfig } from "@patchmoi/git/cascade/CascadeConfig"
import { parseVersion } from "@patchmoi/git/cascade/CascadeVersion"
import { loadCascadeConfig } from "@patchmoi/git/cascade/readConfig"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { providerOf } from "../../cascade/layerCascade.ts"
import type { Session } from "../Session.ts"
import { stylesOf } from "../text/style.ts"
import { oneLine } from "../text/width.ts"
import { UsageError } from "../UsageError.ts"
import type { CascadeConfigFlags } from "./flags.ts"

/** The name of the configuration where nobody says another one. */
export const configFileDefault = "cascade.toml"

/** Reads the configuration and tells its warnings. `GITEA_URL` is that of the caller. */
export const readConfig = (session: Session, { config }: CascadeConfigFlags) =>
  loadCascadeConfig(session.path(config ?? configFileDefault)).pipe(
    Effect.withConfigProvider(providerOf(session.caller.env)),
    Effect.tap((read) => Effect.sync(() => noteWarnings(session, read)))
  )

/** The version of the command line. A wrong one is a {@link UsageError}. */
export const versionOf = (given: string) =>
  Either.getOrThrowWith(
    parseVersion(given),
    (invalid) => new UsageError(invalid.message, { argument: "version", found: given })
  )

/** Where heads are remembered beside a record. */
export const memoryFolder = (dataDir: string): string => join(dataDir, "cascade-heads")

// --- internal ---

const noteWarnings = (session: Session, { warnings }: CascadeConfig): void => {
  if (session.json) return
  const { yellow } = stylesOf(session.caller, session.caller.stderr)
  for (const { expected, field, file, found, line } of warnings) {
    const place = line === null ? file : `${file}:${line}`
    session.note(
      `${yellow("warning")} ${oneLine(`${place}: ${field}: expected ${expected}, found ${found}`)}`
    )
  }
}
