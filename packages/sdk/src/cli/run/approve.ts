/** `patchmoi run approve`. */
import type { Run } from "../command.ts"
import { decideRun } from "./decide.ts"
import type { RunApproveFlags } from "./flags.ts"

export const run: Run<RunApproveFlags, [string]> = (session, flags, id) =>
  decideRun(session, flags, id, {
    decision: "approved",
    ...(flags.choice === undefined ? {} : { choice: flags.choice })
  })
