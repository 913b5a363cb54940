/** A stack in a line on `upstream`, and short ways to check it. What ran is told by a file outside the repository. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { type CandidateChecksOptions, runCandidateChecks } from "../../src/check/CandidateChecks.ts"
import type { CheckKind } from "../../src/check/Check.ts"
import type { ObjectId } from "../../src/GitName.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempDirectory, makeTempRepo } from "../../src/testing/TempRepo.ts"

/** One patch per entry, each with its files; upstream has `upstream` as its files. */
export const makeStack = (
  upstream: Readonly<Record<string, string>>,
  patches: ReadonlyArray<Readonly<Record<string, string>>>,
  objectFormat: "sha1" | "sha256" = "sha1"
) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo({ objectFormat })
    const outside = yield* makeTempDirectory
    const base = yield* repo.commit("upstream", upstream)
    const applied: Array<{ readonly patch: string; readonly tip: ObjectId }> = []
    for (const [at, files] of patches.entries()) {
      applied.push({ patch: `patch/${at + 1}`, tip: yield* repo.commit(`patch ${at + 1}`, files) })
    }
    const repository = yield* openRepository({ directory: repo.directory })
    const log = join(outside, "ran")
    const ranText = () =>
      Effect.promise(() =>
        Bun.file(log)
          .text()
          .catch(() => "")
      )
    return {
      repo,
      repository,
      base,
      applied,
      outside,
      tip: applied.at(-1)?.tip ?? base,
      /** A command that also writes a word into the list of what ran. */
      noted: (word: string, command: string) => `echo ${word} >> ${log}; ${command}`,
      /** What ran since the last look. */
      ran: () =>
        Effect.gen(function* () {
          const text = yield* ranText()
          yield* Effect.promise(() => Bun.write(log, ""))
          return text.split("\n").filter((word) => word !== "")
        })
    }
  })

export type Stack = Effect.Effect.Success<ReturnType<typeof makeStack>>

/** Checks the whole stack. */
export const checkStack = (
  stack: Stack,
  checks: ReadonlyArray<string | { readonly command: string; readonly kind: CheckKind }>,
  options: Partial<CandidateChecksOptions["options"]> = {}
) =>
  runCandidateChecks({
    repository: stack.repository,
    upstream: stack.base,
    applied: stack.applied,
    tip: stack.tip,
    checks: checks.map((check) => (typeof check === "string" ? { command: check, kind: "worktree" } : check)),
    options: { timeoutMillis: 20_000, ...options }
  })
