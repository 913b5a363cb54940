/** `patchmoi cascade resolve-version`: in a build of a downstream repository, the version to use. */
import { existsSync } from "node:fs"
import { versionFileDefault } from "@patchmoi/git/cascade/CascadeConfig"
import { versionFileBytesMax } from "@patchmoi/git/cascade/CascadeVersion"
import { forgeEventBytesMax, resolveVersion, VersionUnusable } from "@patchmoi/git/cascade/ResolveVersion"
import * as Either from "effect/Either"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { variable } from "../variables.ts"
import type { ResolveVersionFlags } from "./flags.ts"

/** Prints nothing, and succeeds, where the build is to use its own default. */
export const run: Run<ResolveVersionFlags> = async (session, flags) => {
  const fileName = flags.file ?? versionFileDefault
  const eventPath = variable(session.caller.env, "GITHUB_EVENT_PATH")
  const event =
    eventPath === undefined ? undefined : await readUpTo(session.path(eventPath), forgeEventBytesMax)
  const resolved = resolveVersion({
    event: event === undefined ? undefined : new TextDecoder().decode(event),
    input: variable(session.caller.env, "INPUT_VERSION"),
    file: await readUpTo(session.path(fileName), versionFileBytesMax),
    fileName
  })
  if (Either.isLeft(resolved)) throw resolved.left
  const { source, version } = resolved.right
  if (session.json) session.printJson({ version, source })
  else if (version !== null) session.print(`${version}\n`)
  return exitCodes.good
}

// --- internal ---

/** The file's bytes; undefined where there is none. One that is too long is refused. */
const readUpTo = async (path: string, bytesMax: number): Promise<Uint8Array | undefined> => {
  if (!existsSync(path)) return undefined
  const bytes = await Bun.file(path)
    .slice(0, bytesMax + 1)
    .bytes()
  if (bytes.byteLength <= bytesMax) return bytes
  throw new VersionUnusable({ source: "file", place: path, reason: `it is longer than ${bytesMax} bytes` })
}
