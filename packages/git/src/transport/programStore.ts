/**
 * Temporary bare repositories in which the git program fetches and pushes. They hold commits and trees, no work tree,
 * and are gone when the scope closes.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { Git, type GitCommand, type GitError, type GitOutput } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import { type ReadObject, readObjectSizes, readObjects } from "../internal/catFile.ts"
import type { ObjectFormat } from "../internal/objectFormat.ts"
import type { Repository } from "../Repository.ts"
import type { ObjectSource } from "./commitReader.ts"
import { programFailure } from "./programFailure.ts"
import type { TransportError } from "./TransportError.ts"
import type { PackObject } from "./wire/pack.ts"

/** A folder for the repositories, and the hook that they share. */
export interface ProgramHome {
  readonly directory: string
  readonly hooks: string
  readonly timeMax: Duration.Duration
}

/** A temporary repository whose only remote is the address. */
export interface ProgramStore {
  readonly url: string
  readonly repository: Repository
  readonly run: (
    command: Pick<GitCommand, "args" | "stdin" | "okExitCodes" | "env">
  ) => Effect.Effect<GitOutput, GitError>
  /** Makes the commit with so many levels of trees be there. */
  readonly fetch: (options: FetchOptions) => Effect.Effect<void, TransportError>
  readonly source: ObjectSource
  /** The size of an object that is there or can be fetched; `null` for none. */
  readonly sizeOf: (oid: ObjectId) => Effect.Effect<number | null, TransportError>
}

/** How much is fetched. A commit that is there with as many levels of trees is not fetched again, whatever `depth` says. */
export interface FetchOptions {
  readonly commit: ObjectId
  /** Commits of its history, itself included, at least 1. */
  readonly depth: number
  /** Levels of trees, at least 1, which is the top alone: git's filter `tree:<depth>`. */
  readonly treeDepth: number
}

/** What a hook says when the branch is not where it is to be. */
export const elsewhereMark = "patchmoi: the branch is at"

/** The folder, removed with all repositories when the scope closes. */
export const makeProgramHome = (timeMax: Duration.DurationInput) =>
  Effect.acquireRelease(
    Effect.promise(async (): Promise<ProgramHome> => {
      const directory = await mkdtemp(join(tmpdir(), "patchmoi-transport-"))
      const hooks = join(directory, "hooks")
      await mkdir(hooks)
      await writeFile(join(hooks, "pre-push"), prePush, { mode: 0o755 })
      return { directory, hooks, timeMax: Duration.decode(timeMax) }
    }),
    ({ directory }) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
  )

/** The name under which a repository knows its address; one that no configuration of the machine is likely to have. */
export const remoteName = "patchmoi-target"

/** Options that give an address the name, for commands outside of a repository. */
export const remoteAt = (url: string): ReadonlyArray<string> => ["-c", `remote.${remoteName}.url=${url}`]

/** Runs git in a folder of the home. */
export const runIn =
  (git: typeof Git.Service, home: ProgramHome, cwd: string): ProgramStore["run"] =>
  (command) =>
    git.run({
      ...command,
      cwd,
      timeout: home.timeMax,
      args: [...configOf(home), ...command.args],
      env: { ...environmentOf(home), ...command.env }
    })

/** A new repository in the home, removed when the scope closes. */
export const makeProgramStore = Effect.fnUntraced(function* (
  git: typeof Git.Service,
  home: ProgramHome,
  options: { readonly url: string; readonly objectFormat: ObjectFormat }
) {
  const { url, objectFormat } = options
  const directory = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(home.directory, "store-"))),
    (made) => Effect.promise(() => rm(made, { recursive: true, force: true }))
  )
  // Named, as `safe.bareRepository` may forbid to find it by the folder in which git runs.
  const env = { ...environmentOf(home), GIT_DIR: directory }
  const inHome = runIn(git, home, directory)
  const run: ProgramStore["run"] = (command) =>
    inHome({ ...command, env: { ...command.env, GIT_DIR: directory } })
  const fail = (error: GitError) => programFailure(url, error)
  const init = ["init", "--quiet", "--bare", "--template=", `--object-format=${objectFormat}`, directory]
  yield* Effect.mapError(inHome({ args: init }), fail)
  // Git fetches what is missing by itself, in processes that read the address from here. It must stand only once: a
  // remote with two addresses is pushed to twice.
  yield* Effect.mapError(run({ args: ["config", `remote.${remoteName}.url`, url] }), fail)
  const repository: Repository = {
    directory,
    gitDirectory: directory,
    commonDirectory: directory,
    objectDirectory: join(directory, "objects"),
    objectFormat,
    workTree: null
  }
  const fetched = new Map<ObjectId, number>()
  const fetch = Effect.fnUntraced(function* (wanted: FetchOptions) {
    if ((fetched.get(wanted.commit) ?? 0) >= wanted.treeDepth) return
    yield* Effect.mapError(run({ args: fetchArgs(wanted) }), fail)
    fetched.set(wanted.commit, wanted.treeDepth)
  })
  const reading = { repository, env }
  const read = (oid: ObjectId) =>
    readObjects({ ...reading, names: [oid] }).pipe(
      Effect.provideService(Git, git),
      Effect.mapBoth({ onFailure: fail, onSuccess: ([found]) => asPackObject(found ?? null) })
    )
  const sizeOf = (oid: ObjectId) =>
    readObjectSizes({ ...reading, names: [oid] }).pipe(
      Effect.provideService(Git, git),
      Effect.mapBoth({ onFailure: fail, onSuccess: ([found]) => found?.size ?? null })
    )
  const store: ProgramStore = { url, repository, run, fetch, source: { url, read }, sizeOf }
  return store
})

// --- internal ---

/** Git's `pre-push` hook is the one place where the value that the server announced is seen before anything is sent. */
const prePush = `#!/bin/sh
while read -r local_ref local_oid remote_ref remote_oid; do
  if [ "$remote_oid" != "$PATCHMOI_EXPECTED" ]; then
    echo "${elsewhereMark} $remote_oid" >&2
    exit 1
  fi
done
`

const environmentOf = (home: ProgramHome) => ({
  GIT_ALLOW_PROTOCOL: "file:ssh:git:http:https",
  GIT_CEILING_DIRECTORIES: home.directory
})

/** `pack.window=0`: without it git fetches the old content of a file to send the new one as a delta of it. */
const configOf = (home: ProgramHome): ReadonlyArray<string> =>
  [
    `core.hooksPath=${home.hooks}`,
    "pack.window=0",
    "pack.useSparse=true",
    "gc.auto=0",
    "maintenance.auto=false",
    "push.recurseSubmodules=no",
    "push.followTags=false",
    "push.gpgSign=false",
    "fetch.recurseSubmodules=no"
  ].flatMap((setting) => ["-c", setting])

const fetchArgs = (wanted: FetchOptions): ReadonlyArray<string> => [
  "fetch",
  "--quiet",
  "--no-tags",
  "--no-write-fetch-head",
  `--depth=${wanted.depth}`,
  `--filter=tree:${wanted.treeDepth}`,
  "--end-of-options",
  remoteName,
  wanted.commit
]

const asPackObject = (found: ReadObject | null): PackObject | null => {
  const type = found?.type
  return found !== null && (type === "commit" || type === "tree" || type === "blob" || type === "tag")
    ? { type, content: found.content }
    : null
}
