/**
 * The fork's stack on the new upstream commit: what upstream holds already is found first, and the rest is carried over.
 *
 * 1. A patch is left out only with evidence. One that upstream took in another form is carried on, and asked about.
 * 2. Looking for what landed must not stand in the way: a range that is too long to look through is told, and the patches
 *    are carried over as if nobody had looked.
 */
import { lookForLanded } from "@patchmoi/git/forecast/Forecast"
import type { ObjectId } from "@patchmoi/git/GitName"
import { type LandedVerdicts, withEmpty } from "@patchmoi/git/landed/findLanded"
import { type LandedVerdict, leavesOut } from "@patchmoi/git/landed/LandedVerdict"
import { type RebuildTrailers, rebuild } from "@patchmoi/git/patch/Rebuild"
import type { RebuildResult } from "@patchmoi/git/patch/RebuildResult"
import type { ResolutionPolicy } from "@patchmoi/git/resolution/Resolution"
import { makeResolver } from "@patchmoi/git/resolution/Resolver"
import * as Effect from "effect/Effect"
import type { Fork } from "./Fork.ts"
import type { MaintainConfig } from "./MaintainConfig.ts"
import type { Progress } from "./Progress.ts"
import type { UpstreamPoint } from "./Upstream.ts"

/** What the stack is built from, besides the fork itself. */
export interface StackInputs {
  readonly point: UpstreamPoint
  /** Commits that are known to be upstream's. */
  readonly upstream: ReadonlyArray<ObjectId>
  readonly trailers: RebuildTrailers | undefined
}

/** The rebuild, and what was found out about each patch before and by it. */
export interface CarriedStack {
  readonly result: RebuildResult
  /** Nothing is in here without evidence. */
  readonly verdicts: LandedVerdicts
}

/** Finds what landed, and carries the rest over. The errors of `rebuild`. */
export const carryStack = Effect.fn("Stack.carry")(function* (
  fork: Fork,
  config: MaintainConfig,
  inputs: StackInputs,
  progress: Progress
) {
  const { patches, repository } = fork
  const { point, trailers, upstream } = inputs
  const landed: LandedVerdicts = config.leave_out_landed ? yield* findOut(fork, inputs, progress) : new Map()
  yield* progress(`rebuilding ${patches.map((patch) => patch.name).join(", ")} on ${point.commit}`)
  const result = yield* rebuild({
    repository,
    onto: point.commit,
    patches,
    upstream,
    landed,
    keepGoing: config.keep_going,
    resolver: makeResolver({ repository, policy: resolutionPolicyOf(config) }),
    ...(trailers === undefined ? {} : { trailers })
  })
  const carried: CarriedStack = { result, verdicts: withEmpty(landed, result) }
  return carried
})

/** What the operator allows to be done with stored resolutions. */
export const resolutionPolicyOf = (config: MaintainConfig): ResolutionPolicy => ({
  reuse: config.reuse_resolutions ? "label" : "never",
  push: config.push_resolved
})

/** The trailers that the operator asks for. */
export const trailersOf = (
  { trailers }: MaintainConfig,
  eventId: string | undefined
): RebuildTrailers | undefined =>
  trailers ? { patch: true, ...(eventId === undefined ? {} : { event: eventId }) } : undefined

// --- internal ---

const findOut = (fork: Fork, { point, upstream }: StackInputs, progress: Progress) =>
  Effect.gen(function* () {
    const { patches, repository } = fork
    const { notes, verdicts } = yield* lookForLanded({ repository, patches, onto: point.commit, upstream })
    for (const note of notes) yield* progress(note)
    for (const verdict of verdicts.values()) yield* progress(describeVerdict(verdict))
    return verdicts
  })

/** One verdict in words. */
const describeVerdict = (verdict: LandedVerdict): string => {
  const { detail = "", upstream = null } = verdict.evidence[0] ?? {}
  const where = upstream === null ? "" : ` (${upstream})`
  const what = leavesOut(verdict) ? "is left out" : "is carried on; look whether upstream's form will do"
  return `${verdict.patch} ${what}, ${verdict.verdict}: ${detail}${where}`
}
