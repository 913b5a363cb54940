/** Which branches a rebuilt stack may be written to, and that a branch that moved meanwhile stays. */
import { expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { parseBranch, parseObjectId } from "../src/GitName.ts"
import { checkTarget, moveTarget } from "../src/RebuildTarget.ts"
import { openRepository } from "../src/Repository.ts"
import { makeTempRepo } from "../src/testing/TempRepo.ts"
import { withGit } from "./support.ts"

const setUp = Effect.gen(function* () {
  const repo = yield* makeTempRepo()
  yield* repo.commit("one", { "a.txt": "1\n" })
  const one = yield* parseObjectId((yield* repo.git("rev-parse", "HEAD")).trim())
  yield* repo.commit("two", { "a.txt": "2\n" })
  const two = yield* parseObjectId((yield* repo.git("rev-parse", "HEAD")).trim())
  const repository = yield* openRepository({ directory: repo.directory })
  const maintained = yield* parseBranch("maintained")
  const check = (name: string, force = false) =>
    Effect.flatMap(parseBranch(name), (ref) =>
      checkTarget({ repository, ref, patchPrefix: "patch/", maintained, force })
    )
  return { repo, repository, one, two, check }
})

test(
  "a branch that begins like the prefix is no patch; the maintained branch below candidate/ is no candidate",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, check } = yield* setUp
      expect(yield* check("patches/one")).toMatchObject({ expected: null, backup: null })
      expect(yield* Effect.flip(check("patch"))).toMatchObject({ _tag: "TargetRefused", reason: "patch" })
      yield* repo.git("branch", "candidate/main")
      const ref = yield* parseBranch("candidate/main")
      const asMaintained = { repository, ref, patchPrefix: "patch/", maintained: ref }
      expect(yield* Effect.flip(checkTarget(asMaintained))).toMatchObject({ reason: "maintained" })
    })
  )
)

test(
  "a branch that moved after the check is not moved, and nothing is kept",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, one, two, check } = yield* setUp
      yield* repo.git("branch", "work", one)
      const target = yield* check("work", true)
      expect(String(target.backup)).toBe(`refs/patchmoi/before/work/${one}`)
      yield* repo.git("branch", "--force", "work", two)
      const before = yield* repo.git("for-each-ref")
      expect(yield* Effect.flip(moveTarget({ repository, target, commit: one }))).toMatchObject({
        _tag: "StaleRef",
        ref: "refs/heads/work"
      })
      expect(yield* repo.git("for-each-ref")).toBe(before)
    })
  )
)

test(
  "the same work is kept once, however often the branch is moved away from it",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, one, two, check } = yield* setUp
      yield* repo.git("branch", "work", one)
      for (const _ of [1, 2]) {
        yield* moveTarget({ repository, target: yield* check("work", true), commit: two })
        expect((yield* repo.git("rev-parse", `refs/patchmoi/before/work/${one}`)).trim()).toBe(one)
        yield* repo.git("branch", "--force", "work", one)
      }
      // Moving it to where it is leaves nothing to keep.
      const same = yield* moveTarget({ repository, target: yield* check("work", true), commit: one })
      expect(same).toHaveLength(1)
    })
  )
)
