/**
 * A workspace as an operator has it, for tests: an upstream, a bare `origin`, a fork with two patches cloned in
 * `<workspace>/fork`, and the packaged flow copied to `.codex/flows`. Real git, and no configuration of the machine.
 */

import { afterAll, setDefaultTimeout } from "bun:test"
import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import { createFlowClient, type FlowClient, type RunView } from "@patchmoi/sdk"

// Real git and a fresh process for each step, on a machine that may be busy.
setDefaultTimeout(60_000)

/** Files to write; `null` removes one. */
export type Files = Readonly<Record<string, string | null>>

export interface ForkWorkspace extends AsyncDisposable {
  readonly root: string
  readonly workspace: string
  readonly fork: string
  readonly upstream: string
  /** The fork's bare remote. */
  readonly origin: string
  readonly client: FlowClient
  /** Runs git in a folder and gives what it printed. Throws with git's words when it fails. */
  readonly git: (folder: string, ...args: ReadonlyArray<string>) => string
  /** Commits files on the current branch of the folder. */
  readonly commit: (folder: string, message: string, files: Files) => Promise<string>
  /** Commits files upstream, tags the commit, and gives the commit. */
  readonly release: (tag: string, files: Files) => Promise<string>
  /** Puts lines at the head of the flow's `[config]`, in place of the keys that they set. */
  readonly configure: (settings: Readonly<Record<string, unknown>>) => Promise<void>
  /** Dispatches an event for the fork and gives its one run. */
  readonly fire: (id: string, payload: Readonly<Record<string, unknown>>, type?: string) => Promise<RunView>
  readonly fireRelease: (tag: string, id?: string) => Promise<RunView>
  readonly replay: (id: string) => Promise<RunView>
  /** Where a ref of a folder points, or `null`. */
  readonly refAt: (folder: string, ref: string) => string | null
  /** All refs of the fork but what fetching brings. */
  readonly forkRefs: () => string
}

export interface ForkWorkspaceOptions {
  /** The gates, and whatever else steps inherit. */
  readonly env?: Readonly<Record<string, string>>
  /** Where the flow is installed, below the workspace. Default: `.codex/flows`. */
  readonly flowsFolder?: string
}

/** Variables that keep the machine's configuration out. */
export const isolated = { ...isolatedEnvironment, PATH: process.env["PATH"] ?? "", HOME: tmpdir() }

// For `maintainFork` in this process.
Object.assign(process.env, { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" })

/** Thirty numbered lines, some of them replaced. */
export const lines = (change: Readonly<Record<number, string>> = {}): string =>
  Array.from({ length: 30 }, (_, at) => `${change[at + 1] ?? `line ${at + 1}`}\n`).join("")

/** Makes everything. `patch/one` changes line 3 of a.txt, `patch/two` line 3 of b.txt and adds a file. */
export const makeForkWorkspace = async (options: ForkWorkspaceOptions = {}): Promise<ForkWorkspace> => {
  const from = await template()
  const root = await makeFolder()
  await cp(from, root, { recursive: true })
  const [upstream, origin, workspace] = placesIn(root)
  const fork = join(workspace, "fork")
  git(fork, "remote", "set-url", "origin", `file://${origin}`)
  git(fork, "remote", "set-url", "upstream", `file://${upstream}`)
  const flow = await installFlow(workspace, options.flowsFolder ?? join(".codex", "flows"))
  const client = createFlowClient({ mode: "local", cwd: workspace, env: { ...isolated, ...options.env } })
  const fire: ForkWorkspace["fire"] = async (id, payload, type = "upstream.release") => {
    const event = { id, type, payload: { repo: "acme/tool", repository: "fork", ...payload } }
    return onlyRun(await client.dispatchEvent(event))
  }
  return {
    root,
    workspace,
    fork,
    upstream,
    origin,
    client,
    git,
    commit,
    fire,
    fireRelease: (tag, id = `release-${tag}`) => fire(id, { tag }),
    replay: async (id) => onlyRun(await client.replayEvent(id)),
    release: async (tag, files) => {
      const made = await commit(upstream, `release ${tag}`, files)
      git(upstream, "tag", "-a", "-m", `release ${tag}`, tag)
      return made
    },
    configure: (settings) => configure(join(flow, "flow.toml"), settings),
    refAt: (folder, ref) => git(folder, "for-each-ref", "--format=%(objectname)", ref) || null,
    forkRefs: () =>
      git(
        fork,
        "for-each-ref",
        "--format=%(refname) %(objectname)",
        "refs/heads",
        "refs/tags",
        "refs/remotes/origin"
      ),
    [Symbol.asyncDispose]: async () => {
      await client.close()
      await rm(root, { recursive: true, force: true })
    }
  }
}

/** What the step handed back, with artifacts that tests may look into. */
export const resultOf = (run: RunView) => {
  if (run.resultPayload === undefined) throw new Error(`no result: ${run.error}\n${outputOf(run)}`)
  const { artifacts = {}, message = "", status } = run.resultPayload
  return { status, message, artifacts }
}

/** What the run printed. */
export const outputOf = (run: RunView): string => run.output.map(({ text }) => text).join("")

/** Everything of a checkout that a person would miss: HEAD, index, files, status. */
export const deskOf = (folder: string): string =>
  [
    git(folder, "symbolic-ref", "HEAD"),
    git(folder, "rev-parse", "HEAD"),
    git(folder, "ls-files", "--stage"),
    git(folder, "diff"),
    git(folder, "status", "--porcelain=v1", "--untracked-files=all"),
    git(folder, "stash", "list")
  ].join("\n--\n")

// --- internal ---

const makeFolder = async () => await realpath(await mkdtemp(join(tmpdir(), "patchmoi-maintain-")))

const placesIn = (root: string) =>
  [join(root, "upstream"), join(root, "origin.git"), join(root, "ws")] as const

/** The repositories, made once for each file of tests: thirty runs of git are slower than a copy. */
const template = (): Promise<string> => {
  made ??= makeTemplate()
  return made
}

let made: Promise<string> | undefined

afterAll(async () => {
  if (made !== undefined) await rm(await made, { recursive: true, force: true })
  made = undefined
})

const makeTemplate = async (): Promise<string> => {
  const root = await makeFolder()
  const [upstream, origin, workspace] = placesIn(root)
  const fork = join(workspace, "fork")
  await mkdir(upstream)
  git(upstream, "init", "--quiet", "--initial-branch=main", ".")
  await commit(upstream, "first", { "a.txt": lines(), "b.txt": lines(), "c.txt": "c\n" })
  git(upstream, "tag", "-a", "-m", "first release", "v1")
  git(root, "clone", "--quiet", "--bare", "--no-tags", upstream, origin)
  git(root, "clone", "--quiet", `file://${origin}`, fork)
  git(fork, "remote", "add", "upstream", `file://${upstream}`)
  git(fork, "switch", "--quiet", "-c", "patch/two")
  await commit(fork, "two", { "b.txt": lines({ 3: "two" }) })
  await commit(fork, "two, a file", { "new/two.txt": "two\n" })
  git(fork, "switch", "--quiet", "-c", "patch/one", "main")
  await commit(fork, "one", { "a.txt": lines({ 3: "one" }) })
  git(fork, "switch", "--quiet", "-c", "desk", "main")
  return root
}

const git = (folder: string, ...args: ReadonlyArray<string>): string => {
  const ran = Bun.spawnSync(["git", ...args], { cwd: folder, env: isolated })
  if (ran.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${ran.stderr}`)
  return ran.stdout.toString().trim()
}

const commit = async (folder: string, message: string, files: Files): Promise<string> => {
  for (const [path, text] of Object.entries(files)) {
    if (text === null) {
      await rm(join(folder, path))
      continue
    }
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  git(folder, "add", "--all")
  git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
  return git(folder, "rev-parse", "HEAD")
}

const house = join(import.meta.dir, "..", "..", "..", "..")

/** Copies the flow, and links the SDK as a package manager would put it into the workspace. */
const installFlow = async (workspace: string, flowsFolder: string): Promise<string> => {
  const flow = join(workspace, flowsFolder, "maintain-fork")
  const modules = join(workspace, "node_modules", "@patchmoi")
  await mkdir(dirname(flow), { recursive: true })
  await cp(join(house, "flows", "maintain-fork"), flow, {
    recursive: true,
    filter: (path) => !path.includes("node_modules")
  })
  if (!existsSync(modules)) {
    await mkdir(modules, { recursive: true })
    await symlink(join(house, "packages", "sdk"), join(modules, "sdk"), "dir")
  }
  return flow
}

const configure = async (manifest: string, settings: Readonly<Record<string, unknown>>): Promise<void> => {
  let text = await readFile(manifest, "utf8")
  for (const key of Object.keys(settings)) text = text.replace(new RegExp(`^${key} = .*\\n`, "m"), "")
  const added = Object.entries(settings).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`)
  // A function, as a dollar sign means something in a text that replaces another.
  await writeFile(
    manifest,
    text.replace("[config]\n", (start) => start + added.join(""))
  )
}

const onlyRun = ({ runs }: { readonly runs: ReadonlyArray<RunView> }): RunView => {
  const [run, ...more] = runs
  if (run === undefined || more.length > 0) throw new Error(`expected one run, found ${runs.length}`)
  return run
}
