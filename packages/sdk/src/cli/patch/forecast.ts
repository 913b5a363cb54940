/** `patchmoi patch forecast`: how each patch would fare on an upstream commit, and how it did before. */
import {
  type PatchStackDocument,
  type PatchState,
  turnedBadIn
} from "@patchmoi/core/patchStack/PatchStackDocument"
import { Forecast, GitName, RepositoryId, Resolver } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import type { Run } from "../command.ts"
import { type ExitCode, exitCodes } from "../exitCodes.ts"
import { makeProgress } from "../progress.ts"
import type { Session } from "../Session.ts"
import { oneLine } from "../text/width.ts"
import type { PatchForecastFlags } from "./flags.ts"
import { type KeptForecast, keepForecast, ledgerFolder, readStack } from "./forecastRecord.ts"
import { type Here, inRepository, shortId } from "./repository.ts"

/** Exit code 10 when a patch that was clean the last time conflicts now. */
export const run: Run<PatchForecastFlags> = async (session, flags) => {
  const record = ledgerFolder(session, flags)
  if (flags.history === true) return await showHistory(session, record)
  const { made, repository } = await inRepository(session, (here) => look(session, flags, here))
  const kept = await keepForecast(session, record, repository, made)
  if (session.json) session.printJson({ ...made, repository, ...kept })
  else printForecast(session, made, kept)
  return kept.turnedBad.length > 0 ? exitCodes.needsAttention : exitCodes.good
}

/** There is no upstream point to look at. Nothing was done. */
export class NoUpstreamPoint extends Error {
  readonly _tag = "NoUpstreamPoint"
  override readonly name = "NoUpstreamPoint"
}

// --- internal ---

const look = (session: Session, flags: PatchForecastFlags, { repository, topology }: Here) =>
  Effect.gen(function* () {
    const { patches, upstream } = topology
    if (flags.onto === undefined && upstream.commit === null) {
      const message = `${GitName.shortName(upstream.ref)} is not known here; fetch it, or name another with --onto`
      return yield* Effect.fail(new NoUpstreamPoint(message))
    }
    const onto = flags.onto ?? upstream.ref
    const progress = makeProgress(session)
    progress.status(`trying ${patches.length} patches on ${GitName.shortName(onto)}`)
    const made = yield* Forecast.forecast({
      repository,
      patches,
      onto,
      upstream: upstream.commit === null ? [] : [upstream.commit],
      resolver: Resolver.makeResolver({ repository })
    }).pipe(Effect.ensuring(Effect.sync(progress.clear)))
    return {
      made: { ...made, ontoName: GitName.shortName(made.ontoName) },
      repository: RepositoryId.repositoryIdOf(topology)
    }
  })

const printForecast = (session: Session, made: Forecast.Forecast, kept: KeptForecast): void => {
  const { dim, red, yellow } = session.styles
  session.print(`onto: ${made.ontoName} ${shortId(made.onto)}\n`)
  for (const { answer, patch, reason, verdict } of made.patches) {
    const asks = verdict?.verdict === "landed-modified" && answer === "clean"
    const said = reason === null ? "" : `: ${(asks ? yellow : dim)(oneLine(reason))}`
    const turned = kept.turnedBad.includes(patch) ? ` ${red("(was clean)")}` : ""
    session.print(`${inColor(session, answer)} ${patch}${turned}${said}\n`)
  }
  for (const note of made.notes) session.note(oneLine(note))
  if (kept.record === null) session.note("There is no record, so nothing is kept and nothing to compare with")
}

const inColor = ({ styles }: Session, answer: string): string =>
  answer === "clean" ? styles.green(answer) : answer === "landed" ? styles.yellow(answer) : styles.red(answer)

const showHistory = async (session: Session, record: string | null): Promise<ExitCode> => {
  const repository = await inRepository(session, ({ topology }) =>
    Effect.succeed(RepositoryId.repositoryIdOf(topology))
  )
  const stack = record === null ? undefined : await readStack(session, record, repository)
  const turnedBad = stack === undefined ? [] : turnedBadIn(stack).map(({ patch }) => patch)
  if (session.json) session.printJson({ repository, record, stack: stack ?? null, turnedBad })
  else if (stack === undefined) session.note(`No forecast of ${repository} is recorded yet`)
  else printHistory(session, stack)
  return turnedBad.length > 0 ? exitCodes.needsAttention : exitCodes.good
}

const printHistory = (session: Session, stack: PatchStackDocument): void => {
  const rows = stack.patches.flatMap((state) =>
    state.answers.map((span) => ({ patch: state.patch, ...span, turnedBad: isWhereItTurned(state, span) }))
  )
  session.printRows(
    [
      { title: "PATCH", of: ({ patch }) => patch, shrinks: true },
      { title: "ANSWER", of: ({ answer, turnedBad }) => (turnedBad ? `${answer} (was clean)` : answer) },
      { title: "ONTO", of: ({ ontoName }) => ontoName, shrinks: true },
      { title: "COMMIT", of: ({ onto }) => (session.forPeople ? shortId(onto) : onto) },
      { title: "SINCE", of: ({ since }) => since },
      { title: "UNTIL", of: ({ until }) => until },
      { title: "TIMES", of: ({ times }) => String(times) }
    ],
    rows
  )
}

/** Whether the span began when the patch turned bad. */
const isWhereItTurned = ({ turnedBad }: PatchState, { since }: { readonly since: string }): boolean =>
  turnedBad?.at === since
