/** The ledger of a patch stack, as `patchmoi patch forecast` reads and writes it. */
import { existsSync } from "node:fs"
import { type PatchStackDocument, turningBadIn } from "@patchmoi/core/patchStack/PatchStackDocument"
import { PatchStacks } from "@patchmoi/core/patchStack/PatchStacks"
import { Store } from "@patchmoi/core/store/Store"
import { type Forecast, Ledger } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Option from "effect/Option"
import { layerStore } from "../../composeEngine.ts"
import { recordState } from "../recordOptions.ts"
import { requireRecord } from "../requireRecord.ts"
import { runWith } from "../runWith.ts"
import { givenRecordFolder, recordFolder, type Session } from "../Session.ts"
import type { PatchForecastFlags } from "./flags.ts"

/** What came of keeping a forecast. */
export interface KeptForecast {
  /** The folder of the record; `null` when there is none, and nothing to compare with. */
  readonly record: string | null
  /** Whether the record holds the forecast now. */
  readonly kept: boolean
  /** The patches that were clean the last time and conflict now. */
  readonly turnedBad: ReadonlyArray<string>
}

/** The record to use, or `null` where none was named and none is there. Throws `NoRecord` for one that was named. */
export const ledgerFolder = (session: Session, flags: PatchForecastFlags): string | null => {
  if (givenRecordFolder(session, flags) !== undefined) {
    const folder = recordFolder(session, flags)
    requireRecord(folder)
    return folder
  }
  const folder = recordFolder(session, flags)
  return existsSync(folder) ? folder : null
}

/**
 * Compares the forecast with the last one and keeps it, in one commit. A record in files that a service writes is only read;
 * the comparison is the same.
 */
export const keepForecast = async (
  session: Session,
  record: string | null,
  repository: string,
  made: Forecast.Forecast
): Promise<KeptForecast> => {
  if (record === null) return { record, kept: false, turnedBad: [] }
  const { repository: _forecastOf, ...forecast } = Ledger.forecastArtifact(repository, made)
  const { repository: _verdictsOf, ...verdicts } = Ledger.verdictsArtifact(
    { repository, onto: made.onto, ontoName: made.ontoName },
    Ledger.verdictsOf(made)
  )
  const turnedBadSince = (stack: PatchStackDocument | undefined) =>
    turningBadIn(stack, forecast).map(({ patch }) => patch)
  const writing = Effect.flatMap(Store, (store) =>
    store.commit((unit) => {
      const turnedBad = turnedBadSince(unit.load(PatchStacks, repository))
      return Either.map(
        Either.all([
          unit.execute(PatchStacks, repository, { _tag: "RecordForecast", ...forecast }),
          unit.execute(PatchStacks, repository, { _tag: "RecordVerdicts", ...verdicts })
        ]),
        () => turnedBad
      )
    })
  )
  try {
    const turnedBad = await runWith(session, layerStore(recordState(record, "write")), writing)
    return { record, kept: true, turnedBad }
  } catch (error) {
    if (!isLocked(error)) throw error
    session.note(`Not kept: ${error.message}`)
    const stack = await readStack(session, record, repository)
    return { record, kept: false, turnedBad: turnedBadSince(stack) }
  }
}

/** What the record holds about the stack; undefined when it holds nothing. */
export const readStack = (
  session: Session,
  record: string,
  repository: string
): Promise<PatchStackDocument | undefined> =>
  runWith(
    session,
    layerStore(recordState(record, "read")),
    Effect.flatMap(Store, (store) => Effect.map(store.load(PatchStacks, repository), Option.getOrUndefined))
  )

// --- internal ---

const isLocked = (error: unknown): error is Error =>
  error instanceof Error && "_tag" in error && error._tag === "StoreLocked"
