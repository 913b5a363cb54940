/** The remote that resolutions are shared by. */
import * as Effect from "effect/Effect"
import { UsageError } from "../../UsageError.ts"
import type { Here } from "../repository.ts"

/** What the caller names, or the remote of the fork. */
export const remoteOf = ({ topology }: Here, given: string | undefined) => {
  const remote = given ?? topology.forkRemote
  if (remote !== null) return Effect.succeed(remote)
  const message = `There is no remote ${topology.wanted.forkRemote}; name another with --remote`
  return Effect.fail(new UsageError(message, { option: "--remote" }))
}
