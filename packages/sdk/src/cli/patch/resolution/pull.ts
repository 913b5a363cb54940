/** `patchmoi patch resolution pull`: fetches the resolutions of a remote, and merges them. */
import { ResolutionSharing } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../../command.ts"
import { exitCodes } from "../../exitCodes.ts"
import { oneLine } from "../../text/width.ts"
import type { ResolutionRemoteFlags } from "../flags.ts"
import { inRepository } from "../repository.ts"
import { remoteOf } from "./remote.ts"

/** What was not taken over is told on standard error. */
export const run: Run<ResolutionRemoteFlags> = async (session, flags) => {
  const { added, issues, remote } = await inRepository(session, (here) =>
    Effect.flatMap(remoteOf(here, flags.remote), (remote) =>
      Effect.map(ResolutionSharing.pullResolutions({ repository: here.repository, remote }), (merged) => ({
        ...merged,
        remote
      }))
    )
  )
  if (session.json) session.printJson({ remote, added, issues })
  else {
    for (const { id, resolution } of added) {
      session.print(
        `new ${id} ${oneLine(resolution.path)} by ${resolution.author.name} (${resolution.how})\n`
      )
    }
    if (added.length === 0) session.print(`nothing new from ${remote}\n`)
    for (const { detail, place } of issues)
      session.note(`not taken over: ${oneLine(place)}: ${oneLine(detail)}`)
  }
  return exitCodes.good
}
