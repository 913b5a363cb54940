/** What every test here needs: real git in an isolated environment, and a scope that cleans up. */
import { setDefaultTimeout } from "bun:test"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Git } from "../src/Git.ts"
import { layerGitCli } from "../src/GitCli.ts"
import { isolatedEnvironment } from "../src/testing/TempRepo.ts"

// Real git on a busy machine can take longer than the five seconds that bun:test allows.
setDefaultTimeout(60_000)

/** Runs a test body; the first error is thrown with its message. */
export const withGit =
  <A, E>(body: () => Effect.Effect<A, E, Git | Scope.Scope>) =>
  async (): Promise<void> => {
    const exit = await Effect.runPromiseExit(
      Effect.scoped(Effect.suspend(body)).pipe(Effect.provide(layerGitCli({ env: isolatedEnvironment })))
    )
    if (Exit.isFailure(exit)) throw Cause.prettyErrors(exit.cause)[0] ?? new Error(Cause.pretty(exit.cause))
  }

/** A text of numbered lines, some of them replaced. */
export const numbered = (count: number, change: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: count }, (_, at) => `${change[at + 1] ?? `line ${at + 1}`}\n`).join("")

/** Waits until the process has gone; a zombie counts as gone. Fails after five seconds. */
export const untilGone = (pid: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const stat = yield* Effect.promise(() =>
      Bun.file(`/proc/${pid}/stat`)
        .text()
        .catch(() => "")
    )
    if (stat !== "" && !/\) Z /.test(stat)) return yield* Effect.fail("alive" as const)
  }).pipe(Effect.retry({ times: 100, schedule: Schedule.spaced(50) }), Effect.orDie)
