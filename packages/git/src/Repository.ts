/** Where a repository lies: its folders, its object format, its work tree. Found once and passed to everything else. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, linesOf, textOf } from "./Git.ts"
import { isObjectId, type ObjectId, parseRevision, type RefName } from "./GitName.ts"

/** The facts about one repository that do not change while it is used. */
export interface Repository {
  /** Folder in which git runs: the top of the work tree, or the git folder of a bare repository. */
  readonly directory: string
  /** The git folder of this work tree. */
  readonly gitDirectory: string
  /** The git folder that all work trees share. Equal to `gitDirectory` without linked work trees. */
  readonly commonDirectory: string
  /** Where objects are written. */
  readonly objectDirectory: string
  readonly objectFormat: "sha1" | "sha256"
  /** The top of the work tree, or `null` for a bare repository. */
  readonly workTree: string | null
}

/** The folder is not inside a git repository, or inside one that cannot be worked with. */
export class NotARepository extends Schema.TaggedError<NotARepository>("git/NotARepository")(
  "NotARepository",
  {
    directory: Schema.String,
    detail: Schema.String
  }
) {
  override get message(): string {
    return `${this.directory} is not inside a git repository (${this.detail})`
  }
}

/** A revision that names no commit in this repository. */
export class RevisionNotFound extends Schema.TaggedError<RevisionNotFound>("git/RevisionNotFound")(
  "RevisionNotFound",
  { revision: Schema.String, directory: Schema.String }
) {
  override get message(): string {
    return `${this.revision} names no commit in ${this.directory}; fetch it first, or check the spelling`
  }
}

/** Finds the repository that contains the folder. `NotARepository` when there is none. */
export const openRepository = Effect.fn("Repository.open")(function* (options: {
  readonly directory: string
}) {
  const git = yield* Git
  const found = yield* git
    .run({
      args: [
        "rev-parse",
        "--path-format=absolute",
        "--git-dir",
        "--git-common-dir",
        "--git-path",
        "objects",
        "--show-object-format",
        "--is-inside-work-tree"
      ],
      cwd: options.directory
    })
    .pipe(
      Effect.mapError((error) =>
        error.reason === "spawn" || /not a git repository/i.test(error.stderr)
          ? new NotARepository({ directory: options.directory, detail: error.stderr.trim() })
          : error
      )
    )
  const lines = linesOf(found.stdout)
  if (lines.length !== 5) {
    const detail = "in a folder whose path has a line feed, none can be worked with"
    return yield* new NotARepository({ directory: options.directory, detail })
  }
  const [gitDirectory = "", commonDirectory = "", objectDirectory = "", format, inside] = lines
  const workTree =
    inside === "true"
      ? textOf(
          (yield* git.run({
            args: ["rev-parse", "--path-format=absolute", "--show-toplevel"],
            cwd: options.directory
          })).stdout
        ).replace(/\n$/, "")
      : null
  const repository: Repository = {
    directory: workTree ?? gitDirectory,
    gitDirectory,
    commonDirectory,
    objectDirectory,
    objectFormat: format === "sha256" ? "sha256" : "sha1",
    workTree
  }
  return repository
})

/** The commit that a revision names, tags peeled. `RevisionNotFound` when there is none. */
export const resolveCommit = Effect.fn("Repository.resolveCommit")(function* (options: {
  readonly repository: Repository
  readonly revision: string
}) {
  const git = yield* Git
  const revision = yield* parseRevision(options.revision)
  const output = yield* git.run({
    args: ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`],
    cwd: options.repository.directory,
    okExitCodes: [0, 1, 128]
  })
  const commit = textOf(output.stdout).trim()
  if (output.exitCode !== 0 || !isObjectId(commit)) {
    return yield* new RevisionNotFound({ revision, directory: options.repository.directory })
  }
  return commit
})

/** What the refs under the given full names or prefixes point to (tags not peeled). Missing refs are absent. */
export const readRefs = Effect.fn("Repository.readRefs")(function* (options: {
  readonly repository: Repository
  readonly patterns: ReadonlyArray<string>
}) {
  const git = yield* Git
  const output = yield* git.run({
    args: ["for-each-ref", "--format=%(objectname) %(refname)", "--", ...options.patterns],
    cwd: options.repository.directory
  })
  const refs = new Map<string, ObjectId>()
  for (const line of linesOf(output.stdout)) {
    const space = line.indexOf(" ")
    const id = line.slice(0, space)
    if (isObjectId(id)) refs.set(line.slice(space + 1), id)
  }
  return refs
})

/** What one ref points to, or `null` when it does not exist. */
export const readRef = (options: { readonly repository: Repository; readonly ref: RefName }) =>
  Effect.map(
    readRefs({ repository: options.repository, patterns: [options.ref] }),
    (refs) => refs.get(options.ref) ?? null
  )
