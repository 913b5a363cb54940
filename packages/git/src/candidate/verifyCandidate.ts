/**
 * Proving a candidate: its note is read, the stack is built again from the inputs that the note names, and the ids are
 * compared. No ref is moved. Nothing is taken from the note on trust but the inputs.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { GitError } from "../Git.ts"
import { Git } from "../Git.ts"
import { ObjectId } from "../GitName.ts"
import { readObjectSizes } from "../internal/catFile.ts"
import type { LandedVerdict } from "../landed/LandedVerdict.ts"
import type { ConflictResolver } from "../patch/ConflictResolver.ts"
import { rebuild } from "../patch/Rebuild.ts"
import type { RebuildResult } from "../patch/RebuildResult.ts"
import { type Repository, resolveCommit } from "../Repository.ts"
import { readProof } from "./CandidateNotes.ts"
import { CandidateProof } from "./CandidateProof.ts"

/** Differences and missing commits that one result names. */
export const verifyDetailsMax = 100

/** The same inputs gave the same commits. */
export const Verified = Schema.TaggedStruct("Verified", {
  commit: ObjectId,
  proof: CandidateProof,
  /** The git that built it again; the note has the one that built it first. */
  git: Schema.String
})

/** The inputs gave something else. */
export const Differs = Schema.TaggedStruct("Differs", {
  commit: ObjectId,
  /** At most `verifyDetailsMax`. */
  differences: Schema.Array(
    Schema.Struct({
      /** `candidate`, `tree`, `dropped`, `skipped`, or the name of a patch. */
      what: Schema.String,
      noted: Schema.String,
      rebuilt: Schema.String
    })
  )
})

/** Nobody can tell from here. */
export const Unverifiable = Schema.TaggedStruct("Unverifiable", {
  commit: ObjectId,
  /**
   * `no-note`: nobody noted how it was made. `unreadable-note`: the note is no proof. `missing-commits`: inputs are not in this
   * clone; `detail` names them. `not-rebuilt`: the rebuild refused its inputs.
   */
  reason: Schema.Literal("no-note", "unreadable-note", "missing-commits", "not-rebuilt"),
  detail: Schema.String
})

/** What `verifyCandidate` found, by `_tag`. `Unverifiable` speaks neither for the candidate nor against it. */
export const Verification = Schema.Union(Verified, Differs, Unverifiable)
export type Verification = typeof Verification.Type

/**
 * Verifies the candidate that a revision names. What is found is a value.
 *
 * `InvalidName`, `RevisionNotFound` (the revision), `QuarantineError`, `GitError`.
 */
export const verifyCandidate = Effect.fn("Candidate.verify")(function* (options: {
  readonly repository: Repository
  /** The candidate: a branch, a tag or a commit. */
  readonly revision: string
}) {
  const { repository } = options
  const commit = yield* resolveCommit(options)
  const unverifiable = (reason: typeof Unverifiable.Type.reason, detail: string): Verification =>
    Unverifiable.make({ commit, reason, detail })
  const read = yield* Effect.either(readProof({ repository, commit }))
  if (read._tag === "Left") {
    const error = read.left
    return error._tag === "GitError" ? yield* error : unverifiable("unreadable-note", error.detail)
  }
  const proof = read.right
  if (proof === null) {
    return unverifiable("no-note", `there is no note on ${commit}; fetch refs/notes/patchmoi, or rebuild`)
  }
  const missing = yield* missingOf(repository, proof)
  if (missing.length > 0) {
    const more = missing.length - verifyDetailsMax
    const named = missing.slice(0, verifyDetailsMax).join(", ")
    return unverifiable("missing-commits", `${named}${more > 0 ? ` and ${more} more` : ""}`)
  }
  const rebuilt = yield* Effect.either(rebuildFrom(repository, proof))
  if (rebuilt._tag === "Left") {
    const error = rebuilt.left
    if (error._tag === "GitError" || error._tag === "QuarantineError") return yield* error
    return unverifiable("not-rebuilt", error.message)
  }
  const differences = compare(commit, proof, rebuilt.right).slice(0, verifyDetailsMax)
  if (differences.length > 0) return Differs.make({ commit, differences })
  const { version } = yield* Git
  const verified: Verification = Verified.make({ commit, proof, git: `${version.major}.${version.minor}` })
  return verified
})

// --- internal ---

const missingOf = (
  repository: Repository,
  { inputs, resolved }: CandidateProof
): Effect.Effect<ReadonlyArray<string>, GitError, Git> =>
  Effect.gen(function* () {
    const wanted = [
      { name: "the upstream commit", id: inputs.onto, type: "commit" },
      ...inputs.bounds.map((id) => ({ name: "the upstream commit", id, type: "commit" })),
      ...inputs.patches.map(({ patch, tip }) => ({ name: patch, id: tip, type: "commit" })),
      ...resolved.flatMap(({ blob, path }) =>
        blob === null ? [] : [{ name: `the resolution of ${path}`, id: blob, type: "blob" }]
      )
    ]
    const found = yield* readObjectSizes({ repository, names: wanted.map(({ id }) => id) })
    return wanted.flatMap(({ id, name, type }, at) => (found[at]?.type === type ? [] : [`${name} ${id}`]))
  })

const rebuildFrom = (repository: Repository, proof: CandidateProof) => {
  const { bounds, keepGoing, onto, patches, structuredFiles, trailers } = proof.inputs
  return rebuild({
    repository,
    onto,
    upstream: bounds,
    patches: patches.map(({ patch, tip }) => ({ name: patch, tip })),
    structuredFiles,
    keepGoing,
    landed: landedOf(proof),
    ...(proof.resolved.length === 0 ? {} : { resolver: notedResolver(proof) }),
    ...(trailers === null
      ? {}
      : {
          trailers: { patch: trailers.patch, ...(trailers.event === null ? {} : { event: trailers.event }) }
        })
  })
}

/** The verdicts that left patches out. Their evidence is not looked at again: it is part of the question. */
const landedOf = ({ dropped, inputs }: CandidateProof): ReadonlyMap<string, LandedVerdict> =>
  new Map(
    dropped.flatMap(({ given, patch, reason }) => {
      const tip = inputs.patches.find((each) => each.patch === patch)?.tip
      if (!given || reason === "no-commits" || tip === undefined) return []
      return [[patch, { patch, tip, verdict: reason, evidence: [] }] as const]
    })
  )

/** Answers as the note says. */
const notedResolver = ({ resolved }: CandidateProof): ConflictResolver => ({
  resolve: ({ commit, files, patch }) => {
    const answers = files.map(({ path }) =>
      resolved.find((each) => each.patch === patch && each.commit === commit && each.path === path)
    )
    const known = answers.filter((answer) => answer !== undefined)
    return Effect.succeed(known.length === files.length ? { files: known } : null)
  }
})

const compare = (commit: ObjectId, proof: CandidateProof, rebuilt: RebuildResult) => {
  if (rebuilt._tag === "Conflicted") {
    const { conflict } = rebuilt
    return [{ what: conflict.patch, noted: "applied", rebuilt: `a conflict at ${conflict.commit}` }]
  }
  const tips = new Map(rebuilt.applied.map(({ commits, patch }) => [patch, commits.at(-1)?.to ?? ""]))
  const listOf = (list: ReadonlyArray<{ readonly patch: string; readonly reason: string }>) =>
    list.map(({ patch, reason }) => `${patch} (${reason})`).join(", ") || "none"
  const pairs = [
    ["candidate", commit, rebuilt.tip],
    ["the noted candidate", proof.candidate, rebuilt.tip],
    ["tree", proof.tree, rebuilt.tree],
    ...proof.applied.map(({ patch, tip }) => [patch, tip, tips.get(patch) ?? "not in the stack"] as const),
    ["dropped", listOf(proof.dropped), listOf(rebuilt.dropped)],
    ["skipped", listOf(proof.skipped), listOf(rebuilt.skipped)]
  ] as const
  return pairs.flatMap(([what, noted, found]) => (noted === found ? [] : [{ what, noted, rebuilt: found }]))
}
