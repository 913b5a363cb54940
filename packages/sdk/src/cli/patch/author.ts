/** Who decides: what the caller says, or what git is configured with. */
import { Git, type Repository, Resolution } from "@patchmoi/git"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { UsageError } from "../UsageError.ts"

/** The author of a resolution. A {@link UsageError} when nobody is named. */
export const authorOf = (repository: Repository.Repository, given: string | undefined) =>
  Effect.gen(function* () {
    const match = given === undefined ? null : /^\s*(.*?)\s*<(.*)>\s*$/.exec(given)
    const author =
      given === undefined
        ? { name: yield* setting(repository, "user.name"), email: yield* setting(repository, "user.email") }
        : { name: match?.[1] ?? "", email: match?.[2] ?? "" }
    if (isAuthor(author)) return author
    const message =
      given === undefined
        ? 'git does not know who decides; set user.name and user.email, or pass --author "Name <address>"'
        : `--author must be like "Name <address>"; found ${JSON.stringify(given.slice(0, 200))}`
    return yield* Effect.fail(new UsageError(message, { option: "--author" }))
  })

// --- internal ---

const isAuthor = Schema.is(Resolution.ResolutionAuthor)

const setting = (repository: Repository.Repository, name: string) =>
  Effect.gen(function* () {
    const git = yield* Git.Git
    const args = ["config", "--get", name]
    const found = yield* git.run({ args, cwd: repository.directory, okExitCodes: [0, 1] })
    return Git.textOf(found.stdout).trim()
  })
