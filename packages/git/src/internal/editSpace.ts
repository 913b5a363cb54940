/**
 * A place to try an edit of the stack: git sees the repository, and what it writes lies apart until it is kept.
 *
 * The objects go to a quarantine that borrows from the repository, and the service `Git` inside is one whose commands all
 * look there. So whatever works on a repository works here too, a rebuild with a quarantine of its own included. Nothing
 * reaches the repository before `keep`; closing the scope removes what was not kept.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Git } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import { QuarantineError } from "../patch/QuarantineError.ts"
import type { Repository } from "../Repository.ts"
import { makeQuarantine, type Quarantine } from "./quarantine.ts"

export interface EditSpace {
  /** The repository as it is seen inside: objects are written to the quarantine. */
  readonly repository: Repository
  /** A folder for scratch files. */
  readonly directory: string
  /** Writes one object inside. */
  readonly write: Quarantine["write"]
  /** Git as it sees things inside. */
  readonly git: typeof Git.Service
  /** Runs what needs git inside. */
  readonly inside: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, Exclude<R, Git> | Git>
  /** Moves what the commits reach into the repository, parents before their children. */
  readonly keep: (commits: ReadonlyArray<ObjectId>) => Effect.Effect<void, QuarantineError>
}

/** A space that lasts as long as the scope. */
export const makeEditSpace = (
  repository: Repository
): Effect.Effect<EditSpace, QuarantineError, Git | Scope.Scope> =>
  Effect.gen(function* () {
    const git = yield* Git
    const quarantine = yield* makeQuarantine(repository)
    const objects = join(quarantine.directory, "objects")
    const scratch = join(quarantine.directory, "scratch")
    yield* Effect.tryPromise({
      try: async () => {
        await mkdir(join(objects, "info"), { recursive: true })
        await mkdir(scratch)
        // A quarantine inside this one borrows from here alone, so from here it must be led on.
        await writeFile(join(objects, "info", "alternates"), `${quoted(repository.objectDirectory)}\n`)
      },
      catch: (cause) =>
        new QuarantineError({ operation: "create", directory: objects, detail: String(cause) })
    }).pipe(Effect.uninterruptible)
    const env = { GIT_DIR: repository.gitDirectory, GIT_OBJECT_DIRECTORY: objects }
    const within = Git.of({
      version: git.version,
      run: (command) => git.run({ ...command, env: { ...env, ...command.env } }),
      open: (command) => git.open({ ...command, env: { ...env, ...command.env } })
    })
    const space: EditSpace = {
      repository: { ...repository, objectDirectory: objects },
      directory: scratch,
      git: within,
      write: quarantine.write,
      inside: (effect) => Effect.provideService(effect, Git, within),
      keep: (commits) => Effect.asVoid(quarantine.migrate(commits))
    }
    return space
  })

// --- internal ---

/** A path in the quoting of `info/alternates`, which otherwise ends at the end of the line. */
const quoted = (path: string): string => (/["\n\\]/.test(path) ? JSON.stringify(path) : path)
