/**
 * The proof of a candidate: everything that its commits were made of, and what was found out about them.
 *
 * It is a note on the candidate's commit (`refs/notes/patchmoi`), as JSON, and is written with the candidate's branch in one
 * transaction. `inputs` is enough to build the same commits again, in any clone that has the patch tips.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { type CandidateChecks, CheckVerdict } from "../check/CandidateChecks.ts"
import { CheckKind } from "../check/Check.ts"
import { Git, nulFieldsOf } from "../Git.ts"
import { isObjectId, nameLengthMax, ObjectId } from "../GitName.ts"
import { type PatchBranch, planPatches } from "../patch/PatchPlan.ts"
import { type RebuildTrailers, structuredFilesDefault } from "../patch/Rebuild.ts"
import type { Rebuilt } from "../patch/RebuildResult.ts"
import type { Repository } from "../Repository.ts"

/** Longest note, in bytes: 4 MiB, about 10,000 patches. */
export const proofBytesMax = 4 * 1024 * 1024

/** The end of a check's output that a note keeps, in UTF-16 units. */
export const proofOutputLengthMax = 1_000

const name = Schema.String.pipe(Schema.maxLength(nameLengthMax))

/** What the stack was built from. The same inputs give the same commits. */
export const ProofInputs = Schema.Struct({
  /** The upstream commit. */
  onto: ObjectId,
  /** Upstream commits that bound the patches from below, `onto` aside. */
  bounds: Schema.Array(ObjectId),
  /** The patch branches in order, as they were. */
  patches: Schema.Array(Schema.Struct({ patch: name, tip: ObjectId, base: ObjectId })),
  structuredFiles: Schema.Array(name),
  keepGoing: Schema.Boolean,
  trailers: Schema.NullOr(Schema.Struct({ patch: Schema.Boolean, event: Schema.NullOr(Schema.String) }))
})
export type ProofInputs = typeof ProofInputs.Type

/** How the stack differs from the candidate before it, as counts of commits. */
export const ProofRangeDiff = Schema.Struct({
  /** The candidate that it is compared with. */
  before: ObjectId,
  same: Schema.Int,
  changed: Schema.Int,
  added: Schema.Int,
  removed: Schema.Int
})
export type ProofRangeDiff = typeof ProofRangeDiff.Type

const ProofCheck = Schema.Struct({
  command: Schema.String,
  kind: CheckKind,
  verdict: CheckVerdict,
  flaky: Schema.Boolean,
  exitCode: Schema.NullOr(Schema.Int),
  /** The end of what it printed on the candidate. */
  output: Schema.String,
  /** The patch that was found to break it. */
  badPatch: Schema.NullOr(Schema.String)
})

/** The note. */
export const CandidateProof = Schema.Struct({
  version: Schema.Literal(1),
  /** What the candidate was called after: a tag, or a branch. */
  tag: name,
  candidate: ObjectId,
  tree: ObjectId,
  inputs: ProofInputs,
  /** The patches of the stack, each with the commit of the candidate that it ends with. */
  applied: Schema.Array(Schema.Struct({ patch: name, tip: ObjectId })),
  dropped: Schema.Array(
    Schema.Struct({
      patch: name,
      reason: Schema.Literal("empty", "no-commits", "landed-identical", "landed-modified", "obsolete"),
      /** True when the reason was given to the rebuild as a verdict, and not found by it. */
      given: Schema.Boolean
    })
  ),
  skipped: Schema.Array(Schema.Struct({ patch: name, reason: Schema.Literal("conflict", "depends") })),
  /** Files that were merged by their values, by the commit that they came from. */
  structured: Schema.Array(Schema.Struct({ commit: ObjectId, path: Schema.String })),
  /** Conflicts that an earlier resolution answered: what was put at the path, `null` for removed. */
  resolved: Schema.Array(
    Schema.Struct({
      patch: name,
      commit: ObjectId,
      path: Schema.String,
      blob: Schema.NullOr(ObjectId),
      mode: Schema.String,
      resolution: Schema.String
    })
  ),
  /** What merged the trees. */
  engine: Schema.Struct({ name: Schema.String, git: Schema.String }),
  rangeDiff: Schema.NullOr(ProofRangeDiff),
  checks: Schema.NullOr(
    Schema.Struct({ verdict: CheckVerdict, toolchain: Schema.String, checks: Schema.Array(ProofCheck) })
  ),
  /** Id of the event that asked for it, and the position in the log where that stands. */
  event: Schema.NullOr(Schema.String),
  position: Schema.NullOr(Schema.Int)
})
export type CandidateProof = typeof CandidateProof.Type

/** The note would be longer than `proofBytesMax`. Nothing was written. */
export class ProofTooLong extends Schema.TaggedError<ProofTooLong>("git/ProofTooLong")("ProofTooLong", {
  bytes: Schema.Int
}) {
  override get message(): string {
    return `The proof has ${this.bytes} bytes, and a note holds ${proofBytesMax}; write the candidate without one`
  }
}

/**
 * A rebuilt stack, and everything that its rebuild was given. Where something else is said here than the rebuild got,
 * `verifyCandidate` may build other commits, and then says that the candidate differs.
 */
export interface ProofOptions {
  readonly repository: Repository
  /** What the candidate is called after: a tag, or a branch. */
  readonly tag: string
  readonly rebuilt: Rebuilt
  /** As they were given to the rebuild, and the options that it got. */
  readonly patches: ReadonlyArray<PatchBranch>
  /** More upstream commits that bounded the patches from below. (Default: none.) */
  readonly upstream?: ReadonlyArray<ObjectId>
  /** (Default: `package.json`.) */
  readonly structuredFiles?: ReadonlyArray<string>
  /** (Default: false.) */
  readonly keepGoing?: boolean
  /** (Default: none.) */
  readonly trailers?: RebuildTrailers
  /** How the stack differs from the candidate before it. (Default: not told.) */
  readonly rangeDiff?: ProofRangeDiff
  /** How its checks went; of their output the end is kept (`proofOutputLengthMax`). (Default: not told.) */
  readonly checks?: CandidateChecks
  /** Id of the event that asked for the rebuild. (Default: none.) */
  readonly event?: string
  /** Position in the log where that event stands. (Default: none.) */
  readonly position?: number
}

/** Puts the proof of a rebuilt stack together. Reads only. The errors of `planPatches`, and `GitError`. */
export const makeProof = Effect.fn("CandidateProof.make")(function* (options: ProofOptions) {
  const { rebuilt, repository, trailers } = options
  const git = yield* Git
  const upstream = [rebuilt.onto, ...(options.upstream ?? [])]
  const planned = yield* planPatches({ repository, upstream, patches: options.patches })
  const owned = new Set<string>(planned.flatMap((patch) => patch.commits))
  const bounds = planned
    .filter((patch) => patch.commits.length > 0 && !owned.has(patch.base))
    .map((patch) => patch.base)
  const proof: CandidateProof = {
    version: 1,
    tag: options.tag,
    candidate: rebuilt.tip,
    tree: rebuilt.tree,
    inputs: {
      onto: rebuilt.onto,
      bounds: [...new Set(bounds)].filter((commit) => commit !== rebuilt.onto),
      patches: planned.map((patch) => ({ patch: patch.name, tip: patch.tip, base: patch.base })),
      structuredFiles: options.structuredFiles ?? structuredFilesDefault,
      keepGoing: options.keepGoing ?? false,
      trailers: trailers === undefined ? null : { patch: trailers.patch, event: trailers.event ?? null }
    },
    applied: rebuilt.applied.flatMap(({ commits, patch }) => {
      const tip = commits.at(-1)?.to
      return tip === undefined ? [] : [{ patch, tip }]
    }),
    dropped: rebuilt.dropped.map(({ evidence, patch, reason }) => ({
      patch,
      reason,
      given: evidence.length > 0
    })),
    skipped: rebuilt.skipped.map(({ patch, reason }) => ({ patch, reason })),
    structured: rebuilt.applied.flatMap(({ commits }) =>
      commits.flatMap(({ from, structured }) => structured.map((path) => ({ commit: from, path })))
    ),
    resolved: yield* readResolved(repository, rebuilt),
    engine: { name: "merge-tree", git: `${git.version.major}.${git.version.minor}` },
    rangeDiff: options.rangeDiff ?? null,
    checks: options.checks === undefined ? null : summaryOf(options.checks),
    event: options.event ?? null,
    position: options.position ?? null
  }
  return proof
})

/** The note's text, ending with a line feed. `ProofTooLong`. */
export const encodeProof = (proof: CandidateProof): Effect.Effect<Uint8Array, ProofTooLong> => {
  const bytes = new TextEncoder().encode(
    `${JSON.stringify(Schema.encodeSync(CandidateProof)(proof), null, 1)}\n`
  )
  return bytes.byteLength <= proofBytesMax
    ? Effect.succeed(bytes)
    : Effect.fail(new ProofTooLong({ bytes: bytes.byteLength }))
}

/** The proof in a note's text, if it is one. Fields that this version does not know are left out. */
export const decodeProof = (text: string): Option.Option<CandidateProof> =>
  text.length > proofBytesMax
    ? Option.none()
    : Schema.decodeUnknownOption(Schema.parseJson(CandidateProof))(text)

// --- internal ---

/** What earlier resolutions put into the stack, read from the commits that hold it. */
const readResolved = (repository: Repository, rebuilt: Rebuilt) =>
  Effect.gen(function* () {
    const git = yield* Git
    const asked = rebuilt.applied.flatMap(({ commits, patch }) =>
      commits.flatMap(({ from, resolved, to }) => resolved.map((each) => ({ ...each, patch, from, to })))
    )
    return yield* Effect.forEach(asked, ({ from, patch, path, resolution, to }) =>
      Effect.gen(function* () {
        const args = ["ls-tree", "-z", "--full-tree", to, "--", path]
        const listed = nulFieldsOf((yield* git.run({ args, cwd: repository.directory })).stdout)
        const entry = listed.find((line) => line.endsWith(`\t${path}`))
        const [mode = "", , blob = ""] = (entry ?? "").split(/[ \t]/, 3)
        return { patch, commit: from, path, blob: isObjectId(blob) ? blob : null, mode, resolution }
      })
    )
  })

/** Without times and without what came from the cache, so that the same candidate again gives the same note. */
const summaryOf = ({ checks, toolchain, verdict }: CandidateChecks) => ({
  verdict,
  toolchain,
  checks: checks.map(({ blame, command, flaky, kind, run, verdict: each }) => ({
    command,
    kind,
    verdict: each,
    flaky,
    exitCode: run?.exitCode ?? null,
    output: run?.output.slice(-proofOutputLengthMax) ?? "",
    badPatch: blame?._tag === "BadPatch" ? blame.patch : null
  }))
})
