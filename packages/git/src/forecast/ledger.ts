/**
 * What a look at a patch stack found, in the form in which the record takes it: as `artifacts.verdicts` and
 * `artifacts.forecast` of a step's result, or as a command to the ledger (`@patchmoi/core/patchStack`).
 */

import { patchesMax } from "@patchmoi/core/patchStack/PatchStackDocument"
import {
  artifactTextLengthMax,
  type ForecastArtifact,
  type VerdictsArtifact
} from "@patchmoi/core/patchStack/patchStackArtifacts"
import type { LandedVerdicts } from "../landed/findLanded.ts"
import type { Forecast } from "./Forecast.ts"

/** What was looked at, and for which repository (`topology/RepositoryId`). */
export interface LedgerLook {
  readonly repository: string
  /** The upstream commit. */
  readonly onto: string
  /** What it was asked for by. */
  readonly ontoName: string
}

/** The verdicts as a step hands them over. Of more patches than the ledger keeps, the first ones. */
export const verdictsArtifact = (
  { repository, onto, ontoName }: LedgerLook,
  verdicts: LandedVerdicts
): VerdictsArtifact => ({
  repository,
  onto,
  ontoName,
  verdicts: [...verdicts.values()].slice(0, patchesMax)
})

/** The forecast as a step hands it over. Of more patches than the ledger keeps, the first ones. */
export const forecastArtifact = (
  repository: string,
  { onto, ontoName, patches }: Pick<Forecast, "onto" | "ontoName" | "patches">
): ForecastArtifact => ({
  repository,
  onto,
  ontoName,
  patches: patches.slice(0, patchesMax).map(({ answer, patch, reason, tip }) => ({
    patch,
    tip,
    answer,
    ...(reason === null ? {} : { reason: reason.slice(0, artifactTextLengthMax) })
  }))
})

/** The verdicts of a forecast, by patch. */
export const verdictsOf = ({ patches }: Pick<Forecast, "patches">): LandedVerdicts =>
  new Map(patches.flatMap(({ patch, verdict }) => (verdict === null ? [] : [[patch, verdict] as const])))
