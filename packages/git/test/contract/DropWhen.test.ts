import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { dropWhenReached, parseDropWhen } from "../../src/contract/DropWhen.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"

const makeUpstream = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  const first = yield* repo.commit("first", { "a.txt": "a\n", "src/login/x.ts": "x\n" })
  yield* repo.git("tag", "v2.9.3")
  const onto = yield* repo.commit("second", { "b.txt": "b\n" })
  yield* repo.git("tag", "-a", "-m", "r", "release/2.10")
  yield* repo.git("update-ref", "refs/patchmoi/tags/upstream/rust-v0.3", onto)
  const later = yield* repo.commit("later", { "c.txt": "c\n" })
  yield* repo.git("tag", "v3.0")
  const repository = yield* openRepository({ directory: repo.directory })
  const reached = (dropWhen: string) =>
    Effect.map(dropWhenReached({ repository, onto, dropWhen }), (answer) => answer.reached)
  return { reached, first, later, repository, onto }
})

describe("dropWhenReached", () => {
  test(
    "tags by name, glob and version, as far as upstream's history has them",
    withGit(() =>
      Effect.gen(function* () {
        const { reached } = yield* makeUpstream
        for (const yes of [
          "release/2.10",
          "v2.9.3",
          "v2.*",
          "release/*",
          "rust-v*",
          "2.9",
          "v2.9.3",
          "v2.5.1"
        ]) {
          expect([yes, yield* reached(`tag:${yes}`)]).toEqual([yes, true])
        }
        for (const no of ["v3.0", "v3.*", "3.0", "v2.9.4", "v2.10", "2.9.3.1", "release"]) {
          expect([no, yield* reached(`tag:${no}`)]).toEqual([no, false])
        }
      })
    )
  )

  test(
    "commits that upstream has, that come later, and that nobody knows",
    withGit(() =>
      Effect.gen(function* () {
        const { reached, first, later, onto } = yield* makeUpstream
        expect(yield* reached(`commit:${first}`)).toBe(true)
        expect(yield* reached(`commit:${onto}`)).toBe(true)
        expect(yield* reached(`commit:${later}`)).toBe(false)
        expect(yield* reached(`commit:${"1".repeat(40)}`)).toBe(false)
      })
    )
  )

  test(
    "files and folders of the tree",
    withGit(() =>
      Effect.gen(function* () {
        const { reached, repository, onto } = yield* makeUpstream
        expect(yield* reached("contains:b.txt")).toBe(true)
        expect(yield* reached("contains:src/login/")).toBe(true)
        expect(yield* reached("contains:c.txt")).toBe(false)
        const detail = yield* dropWhenReached({ repository, onto, dropWhen: "contains:c.txt" })
        expect(detail).toEqual({ reached: false, detail: "upstream's tree has no c.txt yet" })
      })
    )
  )

  test(
    "what is no condition is never reached",
    withGit(() =>
      Effect.gen(function* () {
        const { reached } = yield* makeUpstream
        const wrong = [
          "",
          "tag:",
          "tag",
          "never",
          "commit:abc",
          "contains:../x",
          "contains:./a.txt",
          "date:2027"
        ]
        for (const text of wrong) {
          expect(Either.isLeft(parseDropWhen(text))).toBe(true)
          expect(yield* reached(text)).toBe(false)
        }
      })
    )
  )
})
