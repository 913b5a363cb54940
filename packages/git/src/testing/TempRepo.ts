/**
 * Real repositories in temporary folders, for tests.
 *
 * Deterministic: names, addresses and dates are fixed, each commit is one minute after the one before it, and no
 * configuration of the machine is read. The same calls give the same commit ids on every machine.
 */
import { chmod, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { Git, type GitCommand, type GitError, textOf } from "../Git.ts"
import { type InvalidName, type ObjectId, parseObjectId } from "../GitName.ts"

/** What a file becomes: a text, bytes, a file with mode, a symlink, or `null` for removed. */
export type TempFile =
  | string
  | Uint8Array
  | { readonly content: string | Uint8Array; readonly executable: true }
  | { readonly symlink: string }
  | null

/** A repository and the hands for it: `makeTempRepo`, `makeTempClone`, or `tempRepoAt` for one that is there. */
export interface TempRepo {
  /** Its folder. Removed when the scope closes, but for that of `tempRepoAt`. */
  readonly directory: string
  /** Runs git in the repository with the repository's clock, and gives its output without the last line feed. */
  readonly git: (...args: ReadonlyArray<string>) => Effect.Effect<string, GitError>
  /** The same with options of `GitCommand`. */
  readonly run: (command: Omit<GitCommand, "cwd">) => Effect.Effect<string, GitError>
  /** Changes files in the work tree without a commit. */
  readonly write: (files: Readonly<Record<string, TempFile>>) => Effect.Effect<void>
  /** Changes files, commits everything on the current branch, and gives the commit. */
  readonly commit: (
    message: string,
    files?: Readonly<Record<string, TempFile>>
  ) => Effect.Effect<ObjectId, GitError | InvalidName>
}

/** What may differ between repositories of `makeTempRepo`. All begin on `main`, without a commit. */
export interface TempRepoOptions {
  /** Without a work tree, where `commit` fails. (Default: false.) */
  readonly bare?: boolean
  /** (Default: `sha1`.) */
  readonly objectFormat?: "sha1" | "sha256"
}

/** Variables that keep the machine's configuration out and fix the identities. */
export const isolatedEnvironment = {
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_AUTHOR_NAME: "Ada Author",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Cleo Committer",
  GIT_COMMITTER_EMAIL: "cleo@example.com"
}

/** An empty temporary folder, removed with everything in it when the scope closes. */
export const makeTempDirectory = Effect.acquireRelease(
  Effect.promise(async () => realpath(await mkdtemp(join(tmpdir(), "patchmoi-git-")))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

/** A new repository with the branch `main` and no commit. */
export const makeTempRepo = Effect.fnUntraced(function* (options: TempRepoOptions = {}) {
  const directory = yield* makeTempDirectory
  const repo = yield* tempRepoAt(directory)
  const format = `--object-format=${options.objectFormat ?? "sha1"}`
  yield* repo.git(
    "init",
    "--quiet",
    "--initial-branch=main",
    format,
    ...(options.bare ? ["--bare"] : []),
    "."
  )
  return repo
})

/** A clone of a local repository, over `file://` so that `--depth` and `--filter` hold. */
export const makeTempClone = Effect.fnUntraced(function* (options: {
  readonly from: string
  readonly args?: ReadonlyArray<string>
}) {
  const directory = yield* makeTempDirectory
  const repo = yield* tempRepoAt(directory)
  const url = options.from.includes("://") ? options.from : `file://${options.from}`
  yield* repo.git("clone", "--quiet", ...(options.args ?? []), url, ".")
  return repo
})

/** The same hands for a repository that exists already. */
export const tempRepoAt = Effect.fnUntraced(function* (directory: string) {
  const git = yield* Git
  let minutes = 0
  const run = (command: Omit<GitCommand, "cwd">) => {
    const date = `${1_700_000_000 + minutes * 60} +0100`
    const env = { ...isolatedEnvironment, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date, ...command.env }
    return Effect.map(git.run({ ...command, cwd: directory, env }), (output) =>
      textOf(output.stdout).replace(/\n$/, "")
    )
  }
  const write = (files: Readonly<Record<string, TempFile>>) =>
    Effect.forEach(
      Object.entries(files),
      ([path, file]) => Effect.promise(() => place(join(directory, path), file)),
      {
        discard: true
      }
    )
  const repo: TempRepo = {
    directory,
    run,
    git: (...args) => run({ args }),
    write,
    commit: (message, files = {}) =>
      Effect.gen(function* () {
        minutes += 1
        yield* write(files)
        yield* run({ args: ["add", "--all"] })
        yield* run({ args: ["commit", "--quiet", "--allow-empty", "--cleanup=verbatim", "-m", message] })
        return yield* parseObjectId(yield* run({ args: ["rev-parse", "HEAD"] }))
      })
  }
  return repo
})

// --- internal ---

const place = async (path: string, file: TempFile): Promise<void> => {
  if (file === null) return rm(path, { recursive: true })
  await mkdir(dirname(path), { recursive: true })
  if (typeof file === "string" || file instanceof Uint8Array) return writeFile(path, file)
  if ("symlink" in file) {
    await rm(path, { force: true })
    return symlink(file.symlink, path)
  }
  await writeFile(path, file.content)
  await chmod(path, 0o755)
}
