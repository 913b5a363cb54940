/** What every test here needs: real git in an isolated environment, and a scope that cleans up. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import type { Git } from "../src/Git.ts"
import { layerGitCli } from "../src/GitCli.ts"
import { isolatedEnvironment } from "../src/testing/TempRepo.ts"

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
