/**
 * What a maintained repository looks like: its remotes, its upstream point, the branch that is maintained, the patch
 * branches in order, and the state of the work tree. Reads only; nothing is fetched and no lock is taken.
 *
 * Settings of `.patchmoi.toml` win. Without them: the fork is `origin`; upstream is `upstream`, or the only other remote;
 * branches are `main`, else the remote's default branch, else `master`.
 */
import { basename } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Git, linesOf, nulFieldsOf, redactUrls, textOf } from "../Git.ts"
import { ObjectId, parseRef, parseRemote, RefName, shortName } from "../GitName.ts"
import { readPatchBranches } from "../patch/PatchPlan.ts"
import { type Repository, readRefs } from "../Repository.ts"
import { loadConfig, type PatchmoiConfig } from "./PatchmoiConfig.ts"

/** Newest tags that topology lists, as in the predecessor. */
export const tagsMax = 20

/** A remote as it is configured, without credentials. */
export const RemoteView = Schema.Struct({ name: Schema.String, url: Schema.String })

/** A ref and where it points; `null` when it does not exist. */
export const RefView = Schema.Struct({ ref: RefName, commit: Schema.NullOr(ObjectId) })

/** What a fork consists of, as `discoverTopology` finds it. What is missing is `null` or empty, and `doctor` names it. */
export const Topology = Schema.Struct({
  /** Folder of the repository. */
  directory: Schema.String,
  /** The folder's own name, for people. */
  name: Schema.String,
  remotes: Schema.Array(RemoteView),
  /** The remote that releases come from; `null` when there is none. */
  upstreamRemote: Schema.NullOr(Schema.String),
  /** The remote that the fork is published to; `null` when there is none. */
  forkRemote: Schema.NullOr(Schema.String),
  /** The remotes that settings or convention ask for, whether they exist or not. */
  wanted: Schema.Struct({ upstreamRemote: Schema.String, forkRemote: Schema.String }),
  /** Upstream's branch, as the remote-tracking ref that the last fetch left. */
  upstream: RefView,
  /** The maintained branch. */
  target: RefView,
  /** Short name of the branch that is checked out; `null` for a detached HEAD. */
  branch: Schema.NullOr(Schema.String),
  /** The patch branches by short name, in the order of their names, which is that of the stack. */
  patches: Schema.Array(Schema.Struct({ name: Schema.String, tip: ObjectId })),
  /** What names of patch branches begin with; ends with a slash. */
  patchPrefix: Schema.String,
  /** The repository's own tags, the newest first, at most `tagsMax`. */
  tags: Schema.Array(Schema.String),
  /** `dirty` also for files that git does not track. `none`: a bare repository. */
  workTree: Schema.Literal("clean", "dirty", "none"),
  /** True when history is cut off (`git clone --depth`). */
  shallow: Schema.Boolean
})
export type Topology = typeof Topology.Type

/** Topology together with the settings that it was found by. */
export interface DiscoveredTopology {
  readonly topology: Topology
  readonly config: PatchmoiConfig
}

/**
 * Reads the topology. `PatchmoiConfigInvalid` when the repository's file is wrong; `GitError` when git fails.
 * Missing remotes, branches or patches are not errors: `doctor` names them.
 */
export const discoverTopology = Effect.fn("Topology.discover")(function* (options: {
  readonly repository: Repository
  /** Where the search for `.patchmoi.toml` begins. (Default: the repository's folder.) */
  readonly directory?: string
}) {
  const { repository } = options
  const top = repository.workTree ?? repository.directory
  const config = yield* loadConfig({ directory: options.directory ?? top, top })
  const remotes = yield* readRemotes(repository)
  const names = remotes.map((remote) => remote.name)
  const wanted = wantedRemotes(config, names)
  const branches = yield* wantedBranches(repository, config, wanted.upstreamRemote)
  const refs = yield* readRefs({ repository, patterns: [branches.upstream, branches.target] })
  const patchHome = yield* parseRef(`refs/heads/${config.patchPrefix.replace(/\/$/, "")}`)
  const view = (ref: RefName) => ({ ref, commit: refs.get(ref) ?? null })
  const topology: Topology = {
    directory: repository.directory,
    name: basename(repository.directory),
    remotes,
    upstreamRemote: names.includes(wanted.upstreamRemote) ? wanted.upstreamRemote : null,
    forkRemote: names.includes(wanted.forkRemote) ? wanted.forkRemote : null,
    wanted,
    upstream: view(branches.upstream),
    target: view(branches.target),
    branch: yield* readBranch(repository),
    patches: yield* readPatchBranches({ repository, prefix: patchHome }),
    patchPrefix: config.patchPrefix,
    tags: yield* readTags(repository),
    workTree: yield* readWorkTree(repository),
    shallow: yield* readShallow(repository)
  }
  const discovered: DiscoveredTopology = { topology, config }
  return discovered
})

// --- internal ---

const readRemotes = (repository: Repository) =>
  Effect.gen(function* () {
    const git = yield* Git
    const output = yield* git.run({
      args: ["config", "-z", "--get-regexp", "^remote\\..*\\.url$"],
      cwd: repository.directory,
      okExitCodes: [0, 1]
    })
    const remotes = new Map<string, { readonly name: string; readonly url: string }>()
    for (const field of nulFieldsOf(output.stdout)) {
      const [name = "", ...url] = field.split("\n")
      const remote = name.slice("remote.".length, -".url".length)
      if (!remotes.has(remote)) remotes.set(remote, { name: remote, url: redactUrls(url.join("\n")) })
    }
    return [...remotes.values()]
  })

const wantedRemotes = (config: PatchmoiConfig, names: ReadonlyArray<string>) => {
  const forkRemote = config.forkRemote ?? "origin"
  const others = names.filter((name) => name !== forkRemote)
  const byConvention =
    names.includes("upstream") || others.length !== 1 ? "upstream" : (others[0] ?? "upstream")
  return { forkRemote, upstreamRemote: config.upstreamRemote ?? byConvention }
}

const wantedBranches = (repository: Repository, config: PatchmoiConfig, remote: string) =>
  Effect.gen(function* () {
    const remoteRefs = yield* parseRemote(remote).pipe(Effect.map((name) => `refs/remotes/${name}/`))
    const refs = yield* readRefs({
      repository,
      patterns: [`${remoteRefs}main`, `${remoteRefs}master`, "refs/heads/main", "refs/heads/master"]
    })
    const head = yield* readSymbolicRef(repository, `${remoteRefs}HEAD`)
    const first = (home: string, fallback: string) =>
      ["main", "master"].find((name) => refs.has(`${home}${name}`)) ?? fallback
    const default_ = head?.startsWith(remoteRefs) ? head.slice(remoteRefs.length) : first(remoteRefs, "main")
    return {
      upstream: yield* parseRef(`${remoteRefs}${config.upstreamBranch ?? default_}`),
      target: yield* parseRef(`refs/heads/${config.targetBranch ?? first("refs/heads/", "main")}`)
    }
  })

const readSymbolicRef = (repository: Repository, ref: string) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["symbolic-ref", "--quiet", "--", ref]
    const output = yield* git.run({ args, cwd: repository.directory, okExitCodes: [0, 1, 128] })
    return output.exitCode === 0 ? textOf(output.stdout).trim() : undefined
  })

const readBranch = (repository: Repository) =>
  Effect.map(readSymbolicRef(repository, "HEAD"), (ref) => (ref === undefined ? null : shortName(ref)))

const readTags = (repository: Repository) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = [
      "for-each-ref",
      "--sort=-creatordate",
      `--count=${tagsMax}`,
      "--format=%(refname)",
      "--",
      "refs/tags/"
    ]
    return linesOf((yield* git.run({ args, cwd: repository.directory })).stdout).map(shortName)
  })

const readWorkTree = (repository: Repository) =>
  Effect.gen(function* () {
    const git = yield* Git
    if (repository.workTree === null) return "none" as const
    const args = ["status", "--porcelain=v1", "-z", "--untracked-files=normal"]
    const output = yield* git.run({ args, cwd: repository.workTree })
    return output.stdout.byteLength === 0 ? ("clean" as const) : ("dirty" as const)
  })

const readShallow = (repository: Repository) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["rev-parse", "--is-shallow-repository"]
    return textOf((yield* git.run({ args, cwd: repository.directory })).stdout).trim() === "true"
  })
