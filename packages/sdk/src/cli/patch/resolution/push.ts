/** `patchmoi patch resolution push`: pushes the stored resolutions to a remote. */
import { ResolutionSharing } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../../command.ts"
import { exitCodes } from "../../exitCodes.ts"
import { oneLine } from "../../text/width.ts"
import type { ResolutionRemoteFlags } from "../flags.ts"
import { inRepository } from "../repository.ts"
import { remoteOf } from "./remote.ts"

/** Exit code 1 when the remote does not take them. */
export const run: Run<ResolutionRemoteFlags> = async (session, flags) => {
  const { outcome, remote } = await inRepository(session, (here) =>
    Effect.flatMap(remoteOf(here, flags.remote), (remote) =>
      Effect.map(ResolutionSharing.pushResolutions({ repository: here.repository, remote }), (outcome) => ({
        outcome,
        remote
      }))
    )
  )
  if (session.json) session.printJson({ remote, outcome })
  else if (outcome === null) session.print("there are no resolutions to push\n")
  else if (outcome._tag === "Pushed") session.print(`pushed to ${remote}\n`)
  else if (outcome._tag === "UpToDate") session.print(`${remote} has them already\n`)
  else {
    const why = outcome._tag === "Stale" ? "others kept pushing; try again" : oneLine(outcome.message)
    session.note(`not pushed to ${remote}: ${why}`)
  }
  const isThere = outcome === null || outcome._tag === "Pushed" || outcome._tag === "UpToDate"
  return isThere ? exitCodes.good : exitCodes.failed
}
