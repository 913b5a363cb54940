/**
 * The fork that is maintained: where it lies, what it looks like, and what may be done to it.
 *
 * 1. A fork that an event names must lie in the operator's `root`, after every symbolic link is followed.
 * 2. The folder must be the top of its repository. Git looks for a repository in the folders above as well, and a
 *    misspelt path inside another repository must not lead to work on that one.
 */
import { realpath } from "node:fs/promises"
import { isAbsolute, relative, resolve, sep } from "node:path"
import { Git, textOf } from "@patchmoi/git/Git"
import { type ObjectId, parseBranch, parseRemote, type RefName } from "@patchmoi/git/GitName"
import { type PatchBranch, readPatchBranches } from "@patchmoi/git/patch/PatchPlan"
import { openRepository, type Repository, readRef } from "@patchmoi/git/Repository"
import { type OperatorPolicy, tighten } from "@patchmoi/git/topology/OperatorPolicy"
import type { PatchmoiConfig } from "@patchmoi/git/topology/PatchmoiConfig"
import { discoverTopology, type Topology } from "@patchmoi/git/topology/Topology"
import * as Effect from "effect/Effect"
import type { MaintainConfig } from "./MaintainConfig.ts"
import { NotReady } from "./NotReady.ts"

/** Everything about the fork that the run decides by. */
export interface Fork {
  readonly repository: Repository
  readonly topology: Topology
  /** The fork's own `.patchmoi.toml`. */
  readonly own: PatchmoiConfig
  /** What the operator allows, less what the fork forbids. */
  readonly policy: OperatorPolicy
  /** The remote that upstream is read from; `null` when it is not configured. */
  readonly upstreamRemote: string | null
  /** The name that it should have. */
  readonly upstreamRemoteWanted: string
  /** The remotes to push to, whether they are configured or not. */
  readonly pushRemotes: ReadonlyArray<string>
  readonly patchPrefix: string
  readonly patches: ReadonlyArray<PatchBranch>
  /** The maintained branch, and where it is. */
  readonly target: { readonly ref: RefName; readonly commit: ObjectId | null }
}

/** Where to look for the fork. */
export interface ForkPlace {
  /** Absolute. */
  readonly workspace: string
  /** What the event names, relative to the operator's `root`. */
  readonly repository: string | undefined
}

/**
 * Finds the fork and reads it. Nothing is fetched or written.
 *
 * `NotReady`, `NotARepository`, `PatchmoiConfigInvalid`, `InvalidName` (a name in the operator's table), `GitError`.
 */
export const openFork = Effect.fn("Fork.open")(function* (place: ForkPlace, config: MaintainConfig) {
  const directory = yield* findFolder(place, config)
  const repository = yield* openRepository({ directory })
  if (repository.directory !== directory) {
    return yield* new NotReady({
      problem: `${directory} is not a repository of its own, but lies inside ${repository.directory}`,
      remedy: "name the fork's top folder, or clone the fork there"
    })
  }
  if (repository.workTree === null && !(yield* isBare(repository))) {
    // Its `.patchmoi.toml` lies in the work tree, and what it forbids must not be passed by.
    return yield* new NotReady({
      problem: `${directory} is the git folder of a work tree`,
      remedy: "name the work tree's folder"
    })
  }
  const { topology, config: own } = yield* discoverTopology({ repository })
  const policy = tighten(operatorPolicy(config), own.restrictions)
  if (!policy.rebuild) {
    return yield* new NotReady({
      problem: `${own.file ?? ".patchmoi.toml"} forbids rebuilds`,
      remedy: "take allowRebuild = false out of it"
    })
  }
  const patchPrefix = `${(config.patch_prefix ?? topology.patchPrefix).replace(/\/$/, "")}/`
  const patches = yield* readPatches(repository, patchPrefix)
  const upstreamRemoteWanted = yield* upstreamRemoteOf(config, own, topology, policy)
  const known = topology.remotes.some((remote) => remote.name === upstreamRemoteWanted)
  const fork: Fork = {
    repository,
    topology,
    own,
    policy,
    upstreamRemote: known ? upstreamRemoteWanted : null,
    upstreamRemoteWanted,
    pushRemotes: yield* pushRemotesOf(config, own, policy),
    patchPrefix,
    patches,
    target: yield* targetOf(repository, topology, config, own, policy)
  }
  return fork
})

/** The name of a repository for people: `owner/name` of a remote's address, else the folder's own name. */
export const repositoryNameOf = (fork: Fork, remote: string): string => {
  const url = fork.topology.remotes.find((each) => each.name === remote)?.url ?? ""
  const tail = /[/:]([^/:]+\/[^/:]+?)(?:\.git)?\/?$/.exec(url)?.[1]
  return tail !== undefined && /^[a-z+]+:\/\/|^[^/]+:/i.test(url) && !url.startsWith("file:")
    ? tail
    : fork.topology.name
}

// --- internal ---

const operatorPolicy = (config: MaintainConfig): OperatorPolicy => ({
  fetch: config.fetch,
  dispatch: true,
  replay: true,
  rebuild: true,
  capture: false,
  push: config.push,
  moveTarget: config.move_target
})

const realFolder = (folder: string, remedy: string) =>
  Effect.tryPromise({
    try: () => realpath(folder),
    catch: () => new NotReady({ problem: `there is no folder ${folder}`, remedy })
  })

const findFolder = ({ workspace, repository }: ForkPlace, config: MaintainConfig) =>
  Effect.gen(function* () {
    const clone = "clone the fork there, or set repository in the [config] of the flow"
    if (repository === undefined) return yield* realFolder(resolve(workspace, config.repository), clone)
    const root = yield* realFolder(resolve(workspace, config.root), "set root in the [config] of the flow")
    const outside = new NotReady({
      problem: `the event names the fork ${JSON.stringify(repository.slice(0, 200))}, which is not in ${root}`,
      remedy: "name one inside, or set root in the [config] of the flow"
    })
    const wanted = resolve(root, repository)
    if (!isBelow(root, wanted)) return yield* outside
    const folder = yield* realFolder(wanted, clone)
    return isBelow(root, folder) ? folder : yield* outside
  })

const isBelow = (root: string, path: string): boolean => {
  const way = relative(root, path)
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way))
}

const isBare = (repository: Repository) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["rev-parse", "--is-bare-repository"]
    return textOf((yield* git.run({ args, cwd: repository.directory })).stdout).trim() === "true"
  })

const readPatches = (repository: Repository, patchPrefix: string) =>
  Effect.gen(function* () {
    const prefix = yield* parseBranch(patchPrefix.slice(0, -1))
    const patches = yield* readPatchBranches({ repository, prefix })
    if (patches.length > 0) return patches
    return yield* new NotReady({
      problem: `no branch of ${repository.directory} begins with "${patchPrefix}"`,
      remedy: "there is nothing to carry over until there is one"
    })
  })

/**
 * Upstream's tags are what nothing may be published as. The fork's file may say which remote upstream is where nothing is
 * pushed; else it has to be what anybody would take for it, or the operator has to name it too.
 */
const upstreamRemoteOf = (
  config: MaintainConfig,
  own: PatchmoiConfig,
  topology: Topology,
  policy: OperatorPolicy
) =>
  Effect.gen(function* () {
    if (config.upstream_remote !== undefined) return yield* parseRemote(config.upstream_remote)
    const named = own.upstreamRemote
    const isSending = policy.push || config.publish
    if (isSending && named !== undefined && named !== conventionalUpstream(topology)) {
      return yield* new NotReady({
        problem: `.patchmoi.toml names "${named}" as the remote of upstream`,
        remedy: `say upstream_remote = "${named}" in the [config] of the flow to push`
      })
    }
    return yield* parseRemote(topology.wanted.upstreamRemote)
  })

/** `upstream`, else the only remote beside `origin`. */
const conventionalUpstream = ({ remotes }: Topology): string => {
  const others = remotes.map(({ name }) => name).filter((name) => name !== "origin")
  return others.includes("upstream") || others.length !== 1 ? "upstream" : (others[0] ?? "upstream")
}

/** Where pushes go is the operator's to say: the fork's file may name another remote only if the operator names it too. */
const pushRemotesOf = (config: MaintainConfig, own: PatchmoiConfig, policy: OperatorPolicy) =>
  Effect.gen(function* () {
    const said = config.push_remotes ?? (config.fork_remote === undefined ? undefined : [config.fork_remote])
    if (policy.push && said === undefined && own.forkRemote !== undefined && own.forkRemote !== "origin") {
      return yield* new NotReady({
        problem: `.patchmoi.toml names "${own.forkRemote}" as the fork's remote`,
        remedy: `say fork_remote = "${own.forkRemote}" in the [config] of the flow to push there`
      })
    }
    return yield* Effect.forEach([...new Set(said ?? ["origin"])], (remote) => parseRemote(remote))
  })

/** The same holds for the branch that is moved. */
const targetOf = (
  repository: Repository,
  topology: Topology,
  config: MaintainConfig,
  own: PatchmoiConfig,
  policy: OperatorPolicy
) =>
  Effect.gen(function* () {
    if (config.target_branch !== undefined) {
      const ref = yield* parseBranch(config.target_branch)
      return { ref, commit: yield* readRef({ repository, ref }) }
    }
    if (policy.moveTarget && own.targetBranch !== undefined) {
      return yield* new NotReady({
        problem: `.patchmoi.toml names "${own.targetBranch}" as the maintained branch`,
        remedy: `say target_branch = "${own.targetBranch}" in the [config] of the flow to move it`
      })
    }
    return topology.target
  })
