/** The backend in the foreground: prints where it listens, and serves until SIGTERM or Ctrl-C. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Backend from "../../daemon/Backend.ts"
import { RunningSteps } from "../../executor/RunningSteps.ts"
import type { ServerOptions } from "../../server/ServerOptions.ts"
import type { Run } from "../command.ts"
import { exitCodes } from "../exitCodes.ts"
import { awaitAbort, interruptedBy } from "../interruption.ts"
import { runWith } from "../runWith.ts"
import type { ServeFlags } from "./flags.ts"
import { planOf } from "./plan.ts"

/** A stop by SIGTERM is how a service ends: exit code 0. A second signal ends steps and server at once: exit code 130. */
export const run: Run<ServeFlags> = async (session, flags) => {
  const { secretName, ...plan } = planOf(session, flags)
  const signal = session.caller.interruption()
  const runningSteps = new RunningSteps()
  session.caller.onKilled(runningSteps.kill)
  const backend = Backend.run(
    {
      ...plan,
      workspaceRoot: session.directory,
      store: flags.store,
      env: session.caller.env,
      secretNames: [secretName],
      runningSteps,
      ...limitsOf(flags),
      engine: {
        ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
        ...(flags.queueMax === undefined ? {} : { queueMax: flags.queueMax })
      }
    },
    ({ url }) =>
      Effect.sync(() =>
        session.json
          ? session.print(`${JSON.stringify({ url, dataDir: plan.dataDir })}\n`)
          : session.print(`patchmoi listens on ${url}; the record is in ${plan.dataDir}\n`)
      )
  )
  await runWith(session, Layer.empty, Effect.raceFirst(backend, awaitAbort(signal)), {
    logLevel: LogLevel.Info
  })
  return interruptedBy(signal) === "SIGTERM" ? exitCodes.good : exitCodes.interrupted
}

// --- internal ---

const limitsOf = ({ bodyMax, hosts, rate }: ServeFlags): ServerOptions => ({
  ...(hosts === undefined ? {} : { hosts }),
  ...(rate === undefined ? {} : { rate: { burst: 2 * rate, perSecond: rate } }),
  ...(bodyMax === undefined ? {} : { bodyBytesMax: bodyMax })
})
