/**
 * A forecast in place of a candidate: how each patch would fare on an upstream branch, so that a conflict is known before
 * the release that brings it. Nothing is built, moved or pushed.
 *
 * The last answers are kept under `refs/patchmoi/forecasts/<branch>`. A patch that was clean there and is not now asks for a
 * person; one that was bad already does not ask again.
 */
import { type Forecast, ForecastAnswer, forecast } from "@patchmoi/git/forecast/Forecast"
import { forecastArtifact, verdictsArtifact, verdictsOf } from "@patchmoi/git/forecast/ledger"
import { Git, textOf } from "@patchmoi/git/Git"
import { type ObjectId, parseObjectId, parseRef } from "@patchmoi/git/GitName"
import type { ConflictResolver } from "@patchmoi/git/patch/ConflictResolver"
import { moveRefs } from "@patchmoi/git/RefTransaction"
import { readRef } from "@patchmoi/git/Repository"
import { repositoryIdOf } from "@patchmoi/git/topology/RepositoryId"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { FlowResult } from "../step.ts"
import type { Fork } from "./Fork.ts"
import type { Progress } from "./Progress.ts"
import type { UpstreamPoint } from "./Upstream.ts"

/** Longest record of answers that is read, in bytes. */
const answersBytesMax = 4 * 1024 * 1024

/** What a forecast is made of, besides the fork. */
export interface OutlookInputs {
  readonly point: UpstreamPoint
  /** Commits that are known to be upstream's. */
  readonly upstream: ReadonlyArray<ObjectId>
  readonly resolver: ConflictResolver | undefined
}

/** Makes the forecast and compares it with the last one. The errors of `forecast`, and `StaleRef`. */
export const forecastBranch = Effect.fn("Outlook.forecast")(function* (
  fork: Fork,
  { point, resolver, upstream }: OutlookInputs,
  progress: Progress
) {
  const { patches, repository } = fork
  yield* progress(`trying ${patches.length} patches on ${point.commit}, for a forecast`)
  const made = yield* forecast({
    repository,
    patches,
    onto: point.commit,
    upstream,
    ...(resolver === undefined ? {} : { resolver })
  })
  const named: Forecast = { ...made, ontoName: point.name }
  for (const note of made.notes) yield* progress(note)
  const turnedBad = yield* compareAndKeep(fork, point, named)
  return resultOf(fork, point, named, turnedBad)
})

// --- internal ---

/** The answers as they are kept: a patch and the tip that was tried. */
const Answers = Schema.parseJson(
  Schema.Struct({
    version: Schema.Literal(1),
    patches: Schema.Array(Schema.Struct({ patch: Schema.String, answer: ForecastAnswer }))
  })
)

/** Keeps the answers, and gives the patches that were clean the last time and conflict now. */
const compareAndKeep = (fork: Fork, point: UpstreamPoint, { patches }: Forecast) =>
  Effect.gen(function* () {
    const git = yield* Git
    const { repository } = fork
    const ref = yield* parseRef(`refs/patchmoi/forecasts/${point.name}`)
    const expected = yield* readRef({ repository, ref })
    const before = expected === null ? [] : yield* readAnswers(fork, expected)
    const wasClean = new Set(before.filter(({ answer }) => answer === "clean").map(({ patch }) => patch))
    const stdin = yield* Schema.encode(Answers)({
      version: 1,
      patches: patches.map(({ answer, patch }) => ({ patch, answer }))
    }).pipe(Effect.orDie)
    const args = ["hash-object", "-w", "--stdin"]
    const written = yield* git.run({ args, cwd: repository.directory, stdin })
    const next = yield* parseObjectId(textOf(written.stdout).trim())
    yield* moveRefs({ repository, updates: [{ ref, expected, next }], reason: "patchmoi: forecast" })
    return patches.flatMap(({ answer, patch }) =>
      answer === "conflicts" && wasClean.has(patch) ? [patch] : []
    )
  })

/** What a ref of somebody else's names may be anything: then nothing was clean before. */
const readAnswers = (fork: Fork, blob: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const command = { args: ["cat-file", "blob", blob], cwd: fork.repository.directory }
    const text = textOf((yield* git.run({ ...command, outputBytesMax: answersBytesMax })).stdout)
    const read = Schema.decodeOption(Answers)(text)
    return Option.match(read, { onNone: () => [], onSome: ({ patches }) => patches })
  }).pipe(Effect.catchTag("GitError", () => Effect.succeed([])))

const resultOf = (
  fork: Fork,
  point: UpstreamPoint,
  made: Forecast,
  turnedBad: ReadonlyArray<string>
): FlowResult => {
  const repository = repositoryIdOf(fork.topology)
  const count = (wanted: ForecastAnswer) => made.patches.filter(({ answer }) => answer === wanted).length
  const bad = made.patches.filter(({ answer }) => answer === "conflicts")
  const reasons = bad.map(({ patch, reason }) => `${patch}: ${reason ?? "it conflicts"}`)
  const counts = `${count("clean")} clean, ${count("conflicts")} conflicts, ${count("landed")} landed`
  const turned = turnedBad.length === 0 ? [] : [`turned bad since the last time: ${turnedBad.join(", ")}`]
  return {
    status: turnedBad.length > 0 ? "needs_intervention" : "completed",
    message: [`forecast on ${point.name}: ${counts}`, ...turned, ...reasons].join("; "),
    artifacts: {
      repository: fork.repository.directory,
      upstream: { branch: point.name, commit: point.commit },
      forecast: forecastArtifact(repository, made),
      verdicts: verdictsArtifact({ repository, onto: made.onto, ontoName: made.ontoName }, verdictsOf(made)),
      turnedBad,
      candidateRefs: []
    }
  }
}
