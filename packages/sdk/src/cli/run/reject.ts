/** `patchmoi run reject`. */
import type { Run } from "../command.ts"
import { decideRun } from "./decide.ts"
import type { RunDecideFlags } from "./flags.ts"

export const run: Run<RunDecideFlags, [string]> = (session, flags, id) =>
  decideRun(session, flags, id, { decision: "rejected" })
