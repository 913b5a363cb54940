import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { writeCandidate } from "../../src/candidate/Candidate.ts"
import { readProof } from "../../src/candidate/CandidateNotes.ts"
import { decodeProof, encodeProof, proofBytesMax } from "../../src/candidate/CandidateProof.ts"
import { parseObjectId } from "../../src/GitName.ts"
import { readRefs } from "../../src/Repository.ts"
import { withGit } from "../support.ts"
import { makeProven, proveIn } from "./proven.ts"

describe("writeCandidate with a proof", () => {
  for (const objectFormat of ["sha1", "sha256"] as const) {
    test(
      `branch and note are written together, and git shows the note (${objectFormat})`,
      withGit(() =>
        Effect.gen(function* () {
          const { proof, rebuilt, refs, repo, repository } = yield* makeProven(objectFormat)
          expect(refs).toMatchObject([{ name: "candidate/v2", outcome: "created", commit: rebuilt.tip }])
          const shown = yield* repo.git("notes", "--ref=patchmoi", "show", "candidate/v2")
          expect(JSON.parse(shown)).toEqual(JSON.parse(JSON.stringify(proof)))
          expect(yield* readProof({ repository, commit: rebuilt.tip })).toEqual(proof)
          expect(proof).toMatchObject({ tag: "v2", event: "e1", position: 7, candidate: rebuilt.tip })
          expect(proof.inputs.patches.map(({ patch }) => patch)).toEqual(["patch/one", "patch/two"])
          expect(proof.applied.at(-1)?.tip).toBe(rebuilt.tip)
          expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        })
      )
    )
  }

  test(
    "the same again writes nothing; another proof of the same commit takes the place of the first",
    withGit(() =>
      Effect.gen(function* () {
        const { proof, rebuilt, repo, repository } = yield* makeProven()
        const before = yield* readRefs({ repository, patterns: ["refs/"] })
        const again = yield* writeCandidate({ repository, tag: "v2", commit: rebuilt.tip, proof })
        expect(again[0]?.outcome).toBe("already there")
        expect(yield* readRefs({ repository, patterns: ["refs/"] })).toEqual(before)
        const next = { ...proof, event: "e2" }
        yield* writeCandidate({ repository, tag: "v2", commit: rebuilt.tip, proof: next })
        expect((yield* readProof({ repository, commit: rebuilt.tip }))?.event).toBe("e2")
        expect(yield* repo.git("notes", "--ref=patchmoi", "list")).not.toContain("\n")
      })
    )
  )

  test(
    "keeps what others noted, however git has spread it over folders, and is found there",
    withGit(() =>
      Effect.gen(function* () {
        const { proof, rebuilt, repo, repository } = yield* makeProven()
        yield* repo.git("update-ref", "-d", "refs/notes/patchmoi")
        const targets: Array<string> = []
        for (let at = 0; at < 300; at += 1) targets.push(`${"0".repeat(37)}${String(at).padStart(3, "0")}`)
        const blob = yield* repo.run({ args: ["hash-object", "-w", "--stdin"], stdin: "other\n" })
        // As `git notes` spreads them when there are many.
        const spread = ["commit refs/notes/patchmoi", "committer A <a@b> 1 +0000", "data 1", "x"]
        const lines = [...targets, "ab".repeat(20), rebuilt.tip.slice(0, 2) + "1".repeat(38)].map(
          (id) => `M 100644 ${blob} ${id.slice(0, 2)}/${id.slice(2)}`
        )
        yield* repo.run({ args: ["fast-import", "--quiet"], stdin: `${[...spread, ...lines].join("\n")}\n` })
        yield* writeCandidate({ repository, tag: "v2", commit: rebuilt.tip, proof })
        const paths = (yield* repo.git("ls-tree", "-r", "--name-only", "refs/notes/patchmoi")).split("\n")
        expect(paths).toHaveLength(303)
        expect(paths).toContain(`${rebuilt.tip.slice(0, 2)}/${rebuilt.tip.slice(2)}`)
        expect(yield* readProof({ repository, commit: rebuilt.tip })).toEqual(proof)
        expect(JSON.parse(yield* repo.git("notes", "--ref=patchmoi", "show", rebuilt.tip))).toMatchObject({
          candidate: rebuilt.tip
        })
        // And git itself goes on from there.
        yield* repo.git("notes", "--ref=patchmoi", "add", "-m", "hers", "v1")
        expect(yield* readProof({ repository, commit: rebuilt.tip })).toEqual(proof)
      })
    )
  )

  test(
    "six writers at the same time, each of its own candidate: no note is lost",
    withGit(() =>
      Effect.gen(function* () {
        const { proof, rebuilt, repo, repository } = yield* makeProven()
        const commits = yield* Effect.forEach(
          Array.from({ length: 6 }, (_, at) => at),
          (at) =>
            Effect.flatMap(
              repo.git("commit-tree", "-m", `c${at}`, "-p", rebuilt.tip, `${rebuilt.tip}^{tree}`),
              parseObjectId
            )
        )
        yield* Effect.forEach(
          commits,
          (commit, at) =>
            writeCandidate({ repository, tag: `w${at}`, commit, proof: { ...proof, candidate: commit } }),
          { concurrency: 6 }
        )
        const listed = (yield* repo.git("notes", "--ref=patchmoi", "list")).split("\n")
        expect(listed.map((line) => line.split(" ")[1]).sort()).toEqual([...commits, rebuilt.tip].sort())
        expect(yield* repo.git("rev-list", "--count", "refs/notes/patchmoi")).toBe("7")
      })
    ),
    60_000
  )

  test(
    "a stale branch, and a proof of another commit, leave branch and notes as they were",
    withGit(() =>
      Effect.gen(function* () {
        const { proof, rebuilt, repo, repository } = yield* makeProven()
        const before = yield* readRefs({ repository, patterns: ["refs/"] })
        const other = yield* parseObjectId(yield* repo.git("rev-parse", "v1"))
        const stale = writeCandidate({
          repository,
          tag: "v2",
          commit: rebuilt.tip,
          proof: { ...proof, event: "e2" },
          move: { branch: "release", expected: other }
        })
        expect(yield* Effect.flip(stale)).toMatchObject({ _tag: "StaleRef", ref: "refs/heads/release" })
        const another = writeCandidate({ repository, tag: "v2", commit: other, proof })
        expect(yield* Effect.flip(another)).toMatchObject({ _tag: "ProofOfAnother", proven: rebuilt.tip })
        expect(yield* readRefs({ repository, patterns: ["refs/"] })).toEqual(before)
      })
    )
  )
})

describe("the note", () => {
  test(
    "is bounded, and what is no proof is refused by name",
    withGit(() =>
      Effect.gen(function* () {
        const { proof, rebuilt, repo, repository } = yield* makeProven()
        const long = { ...proof, skipped: Array(100).fill({ patch: "p".repeat(1000), reason: "conflict" }) }
        expect((yield* encodeProof(long)).byteLength).toBeGreaterThan(100_000)
        const structured = Array(5_000).fill({ commit: rebuilt.tip, path: "p".repeat(1_000) })
        expect(yield* Effect.flip(encodeProof({ ...proof, structured }))).toMatchObject({
          _tag: "ProofTooLong"
        })
        expect(Option.isNone(decodeProof(" ".repeat(proofBytesMax + 1)))).toBe(true)
        for (const text of ["hello", "{}", JSON.stringify({ ...proof, candidate: "--upload-pack=x" })]) {
          yield* repo.run({
            args: ["notes", "--ref=patchmoi", "add", "-f", "-F", "-", rebuilt.tip],
            stdin: text
          })
          const error = yield* Effect.flip(readProof({ repository, commit: rebuilt.tip }))
          expect(error).toMatchObject({ _tag: "NoteUnreadable", commitId: rebuilt.tip })
        }
      })
    )
  )

  test(
    "names the bases of stacked patches, and bounds that no patch owns",
    withGit(() =>
      Effect.gen(function* () {
        const { repo } = yield* makeProven()
        yield* repo.git("switch", "--quiet", "-c", "patch/three", "patch/two")
        yield* repo.commit("three", { "three.txt": "3\n" })
        yield* repo.git("switch", "--quiet", "main")
        const { proof } = yield* proveIn(repo.directory)
        const two = yield* repo.git("rev-parse", "patch/two")
        const v1 = yield* repo.git("rev-parse", "v1")
        // By name, `three` comes before `two`, and so all commits that the two share are its own.
        const bases = proof.inputs.patches.map(({ base, patch }) => `${patch} ${base}`)
        expect(bases).toEqual([`patch/one ${v1}`, `patch/three ${v1}`, `patch/two ${two}`])
        expect(proof.inputs.bounds.join()).toBe(v1)
      })
    )
  )
})
