/**
 * The process that is stopped hard: rebuilds the fork in a folder, writes the candidate with its proof, and publishes it over
 * somebody else's branch. Before and after each run of git is a point; points are counted from 1, and 0 never stops.
 * Arguments: `<directory> <point>`.
 */
import { writeSync } from "node:fs"
import process from "node:process"
import * as Effect from "effect/Effect"
import { writeCandidate } from "../../../src/candidate/Candidate.ts"
import { planPublish } from "../../../src/candidate/PublishPlan.ts"
import { applyPublish } from "../../../src/candidate/publishCandidate.ts"
import { Git } from "../../../src/Git.ts"
import { makeGitCli } from "../../../src/GitCli.ts"
import { parseRef } from "../../../src/GitName.ts"
import { isolatedEnvironment } from "../../../src/testing/TempRepo.ts"
import { proveIn } from "../proven.ts"

const [directory = "", target = "0"] = process.argv.slice(2)
let passed = 0

/** Nothing of this process runs after the signal: no handler, no finalizer, no buffer is flushed. */
const point = (): void => {
  passed += 1
  if (passed !== Number(target)) return
  process.kill(process.pid, "SIGKILL")
  while (true) {
    // The signal is on its way.
  }
}

const work = Effect.gen(function* () {
  const { proof, rebuilt, repository } = yield* proveIn(directory)
  yield* writeCandidate({ repository, tag: "v2", commit: rebuilt.tip, proof })
  const revision = "candidate/v2"
  const names = { remote: "origin", upstreamRemote: "upstream", tag: "v2-fork.1" }
  const plan = yield* planPublish({ repository, revision, ...names })
  const result = yield* applyPublish({
    repository,
    plan,
    policy: { publish: true, remotes: ["origin"], moveTarget: false, force: true, approval: "none" },
    restrictions: { forbidden: [] },
    maintained: yield* parseRef("refs/heads/main")
  })
  if (!result.published) return yield* Effect.dieMessage(JSON.stringify(result.outcomes))
})

const git = await Effect.runPromise(makeGitCli({ env: isolatedEnvironment }))
const counted = Git.of({
  ...git,
  run: (command) =>
    Effect.sync(point).pipe(
      Effect.zipRight(git.run(command)),
      Effect.tap(() => Effect.sync(point))
    )
})
await Effect.runPromise(work.pipe(Effect.provideService(Git, counted)))
writeSync(1, `points ${passed}\n`)
