/**
 * Goal: what a merge took away again is never left out of a fork. Method: upstream takes a patch on a branch, and merges that
 * in different ways.
 */
import { expect } from "bun:test"
import * as Effect from "effect/Effect"
import { parseObjectId } from "../../src/GitName.ts"
import type { TempRepo } from "../../src/testing/TempRepo.ts"
import { numbered } from "../support.ts"
import { changeThree, landedIn, patchOf, scenario } from "./forks.ts"

/** `topic` from `v1` with a commit of its own and a pick of `patch/one`; `main` is checked out afterwards. */
const takeOnTopic = (repo: TempRepo) =>
  Effect.gen(function* () {
    yield* patchOf(repo, "one", [changeThree])
    yield* repo.git("switch", "--quiet", "-c", "topic", "v1")
    yield* repo.commit("other", { "b.txt": numbered(40, { 3: "other" }) })
    yield* repo.git("cherry-pick", "patch/one")
    yield* repo.git("switch", "--quiet", "main")
  })

scenario(
  "a revert of a merge takes back every commit that it brought, and its revert brings them back",
  (repo) =>
    Effect.gen(function* () {
      yield* takeOnTopic(repo)
      yield* repo.git("merge", "--no-ff", "-m", "merge", "topic")
      expect((yield* landedIn(repo)).get("patch/one")?.verdict).toBe("landed-identical")
      yield* repo.git("revert", "--no-edit", "-m", "1", "HEAD")
      const back = (yield* landedIn(repo)).get("patch/one")
      expect(back?.verdict).toBe("landed-modified")
      expect(back?.evidence[0]?.detail).toMatch(/ has the same change, and \w+ took it back$/)
      yield* repo.git("revert", "--no-edit", "HEAD")
      expect((yield* landedIn(repo)).get("patch/one")?.verdict).toBe("landed-identical")
    })
)

scenario("what a merge left out is not there, unless upstream took it elsewhere as well", (repo) =>
  Effect.gen(function* () {
    yield* takeOnTopic(repo)
    yield* repo.git("merge", "--no-ff", "-s", "ours", "-m", "merge", "topic")
    const left = (yield* landedIn(repo)).get("patch/one")
    expect(left?.verdict).toBe("landed-modified")
    expect(left?.evidence[0]?.detail).toEndWith("the merge that brought it left it out")
    yield* repo.git("reset", "--quiet", "--hard", "v1")
    yield* repo.commit("before", { "b.txt": numbered(40, { 30: "thirty" }) })
    yield* repo.git("cherry-pick", "patch/one")
    const taken = yield* parseObjectId(yield* repo.git("rev-parse", "HEAD"))
    yield* repo.git("merge", "--no-ff", "-s", "ours", "-m", "merge", "topic")
    expect((yield* landedIn(repo)).get("patch/one")).toMatchObject({
      verdict: "landed-identical",
      evidence: [{ upstream: taken }]
    })
  })
)
