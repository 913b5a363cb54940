/** A fork rebuilt onto `v2`, and its candidate with a proof. */
import * as Effect from "effect/Effect"
import { writeCandidate } from "../../src/candidate/Candidate.ts"
import { makeProof, type ProofOptions } from "../../src/candidate/CandidateProof.ts"
import { parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeFork, rebuiltIn } from "../patch/fork.ts"

/** The proof of a rebuild of the repository in the folder. */
export const proveIn = (directory: string, more: Partial<ProofOptions> = {}) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    const rebuilt = yield* rebuiltIn(directory)
    const proof = yield* makeProof({ repository, tag: "v2", rebuilt, patches, ...more })
    return { repository, rebuilt, proof }
  })

/** The fork with `candidate/v2` and the note. */
export const makeProven = (objectFormat: "sha1" | "sha256" = "sha1") =>
  Effect.gen(function* () {
    const repo = yield* makeFork(objectFormat)
    const { proof, rebuilt, repository } = yield* proveIn(repo.directory, { event: "e1", position: 7 })
    const refs = yield* writeCandidate({ repository, tag: "v2", commit: rebuilt.tip, proof })
    return { repo, repository, rebuilt, proof, refs }
  })
