/** Resolves the conflicts of the fork in a folder to the end, wherever an earlier try stopped: the answer is always the same. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { Git } from "../../src/Git.ts"
import { continueResolve, startResolve } from "../../src/resolution/ResolveSession.ts"
import { readState } from "../../src/resolution/ResolveState.ts"
import { numbered } from "../support.ts"
import { ada, startOptionsIn } from "./resolving.ts"

/** What every file in conflict becomes. */
export const answer = numbered(9, { 5: "both" })

/** Conflicts after which something goes in circles. */
const stepsMax = 10

/** Gives the tag of the last step: `Finished`, or `NothingToResolve` when there was nothing left to do. */
export const resolveAll = (directory: string) =>
  Effect.gen(function* () {
    const options = yield* startOptionsIn(directory)
    const { repository } = options
    if ((yield* readState(repository)) === null) {
      const started = yield* startResolve(options)
      if (started._tag !== "Opened") return started._tag
    }
    for (let step = 0; step < stepsMax; step++) {
      const conflict = (yield* readState(repository))?.conflict
      if (conflict !== undefined && conflict.phase === "open")
        yield* answerAll(conflict.directory, conflict.files)
      const went = yield* continueResolve({ repository, author: ada })
      if (went._tag !== "Opened") return went._tag
    }
    return yield* Effect.dieMessage("there is no end")
  })

const answerAll = (directory: string, files: ReadonlyArray<{ readonly path: string }>) =>
  Effect.gen(function* () {
    const git = yield* Git
    const isThere = yield* Effect.promise(() => Bun.file(join(directory, ".git")).exists())
    if (!isThere) return
    for (const { path } of files) yield* Effect.promise(() => writeFile(join(directory, path), answer))
    yield* git.run({ args: ["add", ...files.map(({ path }) => path)], cwd: directory })
  })
