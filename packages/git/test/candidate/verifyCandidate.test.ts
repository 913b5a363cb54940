import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { writeCandidate } from "../../src/candidate/Candidate.ts"
import { makeProof } from "../../src/candidate/CandidateProof.ts"
import { readStack } from "../../src/candidate/CandidateStack.ts"
import { verifyCandidate } from "../../src/candidate/verifyCandidate.ts"
import { parseObjectId, parseRef } from "../../src/GitName.ts"
import type { LandedVerdict } from "../../src/landed/LandedVerdict.ts"
import type { ConflictResolver } from "../../src/patch/ConflictResolver.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempClone } from "../../src/testing/TempRepo.ts"
import { makeFork, rebuiltIn } from "../patch/fork.ts"
import { numbered, withGit } from "../support.ts"
import { makeProven } from "./proven.ts"

const revision = "candidate/v2"

describe("verifyCandidate", () => {
  for (const objectFormat of ["sha1", "sha256"] as const) {
    test(
      `builds the candidate again and finds the same ids, after the branches have gone on (${objectFormat})`,
      withGit(() =>
        Effect.gen(function* () {
          const { rebuilt, repo, repository } = yield* makeProven(objectFormat)
          yield* repo.git("switch", "--quiet", "patch/one")
          yield* repo.commit("more", { "more.txt": "more\n" })
          const refs = yield* repo.git("for-each-ref")
          expect(yield* verifyCandidate({ repository, revision })).toMatchObject({
            _tag: "Verified",
            commit: rebuilt.tip,
            proof: { tag: "v2" }
          })
          expect(yield* repo.git("for-each-ref")).toBe(refs)
        })
      )
    )
  }

  test(
    "in a clone it needs the notes and the patch tips, and says which are missing",
    withGit(() =>
      Effect.gen(function* () {
        const { repo } = yield* makeProven()
        const clone = yield* makeTempClone({
          from: repo.directory,
          args: ["--single-branch", "--branch", revision]
        })
        const repository = yield* openRepository({ directory: clone.directory })
        const verify = verifyCandidate({ repository, revision })
        expect(yield* verify).toMatchObject({ _tag: "Unverifiable", reason: "no-note" })
        yield* clone.git("fetch", "--quiet", "origin", "refs/notes/patchmoi:refs/notes/patchmoi")
        const tip = yield* repo.git("rev-parse", "patch/one")
        const missing = yield* verify
        expect(missing).toMatchObject({ _tag: "Unverifiable", reason: "missing-commits" })
        expect(JSON.stringify(missing)).toContain(`patch/one ${tip}`)
        yield* clone.git("fetch", "--quiet", "origin", "+refs/heads/patch/*:refs/patches/*")
        expect((yield* verify)._tag).toBe("Verified")
      })
    )
  )

  test(
    "a candidate that is not what its inputs give differs, and it is said in what",
    withGit(() =>
      Effect.gen(function* () {
        const { proof, rebuilt, repo, repository } = yield* makeProven()
        const forged = yield* parseObjectId(
          yield* repo.git("commit-tree", "-m", "forged", "-p", rebuilt.tip, `${rebuilt.tip}^{tree}`)
        )
        const claimed = { ...proof, candidate: forged, applied: [{ patch: "patch/one", tip: forged }] }
        yield* writeCandidate({ repository, tag: "v2", commit: forged, proof: claimed })
        const found = yield* verifyCandidate({ repository, revision })
        expect(found).toMatchObject({ _tag: "Differs", commit: forged })
        const what = found._tag === "Differs" ? found.differences : []
        expect(what.map((each) => each.what)).toEqual(["candidate", "the noted candidate", "patch/one"])
        expect(what[0]).toMatchObject({ noted: forged, rebuilt: rebuilt.tip })
      })
    )
  )

  test(
    "a note of another commit, and one that is no proof, prove nothing",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository } = yield* makeProven()
        yield* repo.git("notes", "--ref=patchmoi", "copy", revision, "v1")
        expect((yield* verifyCandidate({ repository, revision: "v1" }))._tag).toBe("Differs")
        yield* repo.git("notes", "--ref=patchmoi", "add", "-f", "-m", "trust me", revision)
        expect(yield* verifyCandidate({ repository, revision })).toMatchObject({
          _tag: "Unverifiable",
          reason: "unreadable-note"
        })
      })
    )
  )

  test(
    "verdicts, resolutions, trailers and values merged by the rebuild are part of the proof",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeFork()
        yield* repo.git("switch", "--quiet", "-c", "patch/clash", "v1")
        yield* repo.commit("clash", { "a.txt": numbered(30, { 25: "ours" }) })
        yield* repo.git("switch", "--quiet", "main")
        const repository = yield* openRepository({ directory: repo.directory })
        const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
        const tipOf = (name: string) =>
          patches.find((patch) => patch.name === name)?.tip ?? repository.directory
        const verdict: LandedVerdict = {
          patch: "patch/one",
          tip: yield* parseObjectId(tipOf("patch/one")),
          verdict: "obsolete",
          evidence: [
            {
              kind: "drop-when",
              commit: yield* parseObjectId(tipOf("patch/one")),
              upstream: null,
              detail: "d"
            }
          ]
        }
        const resolver: ConflictResolver = {
          resolve: ({ files, write }) =>
            Effect.map(write(Buffer.from("resolved\n")), (blob) => ({
              files: files.map(({ path }) => ({ path, blob, mode: "100644", resolution: "r1" }))
            }))
        }
        const trailers = { patch: true, event: "e1" }
        const landed = new Map([["patch/one", verdict]])
        const rebuilt = yield* rebuiltIn(repo.directory, { resolver, trailers, landed })
        const proof = yield* makeProof({ repository, tag: "v2", rebuilt, patches, trailers })
        expect(proof).toMatchObject({
          dropped: [{ patch: "patch/one", reason: "obsolete", given: true }],
          resolved: [{ patch: "patch/clash", path: "a.txt", mode: "100644", resolution: "r1" }]
        })
        yield* writeCandidate({ repository, tag: "v2", commit: rebuilt.tip, proof })
        expect((yield* verifyCandidate({ repository, revision }))._tag).toBe("Verified")
        const without = { ...proof, resolved: [] }
        yield* writeCandidate({ repository, tag: "v2", commit: rebuilt.tip, proof: without })
        expect(yield* verifyCandidate({ repository, revision })).toMatchObject({
          _tag: "Differs",
          differences: [{ what: "patch/clash", noted: "applied" }]
        })
      })
    )
  )
})

describe("readStack", () => {
  test(
    "goes by the proof, else by the history above upstream",
    withGit(() =>
      Effect.gen(function* () {
        const { proof, rebuilt, repo, repository } = yield* makeProven()
        const upstream = [proof.inputs.onto]
        expect(yield* readStack({ repository, revision, upstream: [] })).toMatchObject({
          source: "proof",
          upstream: proof.inputs.onto,
          applied: proof.applied
        })
        yield* repo.git("update-ref", "-d", "refs/notes/patchmoi")
        const stack = yield* readStack({ repository, revision, upstream })
        expect(stack).toMatchObject({ source: "history", upstream: proof.inputs.onto, tip: rebuilt.tip })
        expect(stack.applied).toHaveLength(3)
        expect(yield* readStack({ repository, revision: "v2", upstream })).toMatchObject({ applied: [] })
        const alone = yield* Effect.flip(readStack({ repository, revision, upstream: [] }))
        expect(alone._tag).toBe("StackWithoutUpstream")
      })
    )
  )
})
