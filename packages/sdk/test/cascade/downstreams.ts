/** Downstream repositories behind a real git server, for tests of the SDK and its command line. */

import { setDefaultTimeout } from "bun:test"
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { type GitHttpServer, makeGitHttpServer } from "@patchmoi/git/testing/GitHttpServer"
import { isolatedEnvironment } from "@patchmoi/git/testing/TempRepo"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"

// Real git and a real server, on a machine that may be busy.
setDefaultTimeout(60_000)

export interface Downstreams extends AsyncDisposable {
  /** An empty folder to work in. */
  readonly workspace: string
  readonly server: GitHttpServer
  /** Makes a repository with one commit of the files and gives its address. */
  readonly add: (name: string, files: Readonly<Record<string, string>>) => Promise<string>
  /** Pushes a commit of a person's. */
  readonly person: (name: string, files: Readonly<Record<string, string>>) => Promise<void>
  /** Runs git in the bare home of a repository, and gives what it printed without the last line feed. */
  readonly git: (name: string, ...args: ReadonlyArray<string>) => string
}

/** Variables that keep the machine's configuration out. */
export const isolated = { ...isolatedEnvironment, PATH: process.env["PATH"] ?? "", HOME: tmpdir() }

/** Starts the server. */
export const makeDownstreams = async (): Promise<Downstreams> => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "patchmoi-cascade-")))
  const workspace = join(root, "workspace")
  await mkdir(workspace)
  const scope = Effect.runSync(Scope.make())
  const server = await Effect.runPromise(Scope.extend(makeGitHttpServer({ root }), scope))
  const homeOf = (name: string) => join(root, `${name}.git`)
  const commit = async (name: string, message: string, files: Readonly<Record<string, string>>) => {
    const work = join(root, `${name}-work`)
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(work, path)), { recursive: true })
      await writeFile(join(work, path), text)
    }
    run(work, "add", "--all")
    run(work, "commit", "--quiet", "-m", message)
    run(work, "push", "--quiet", "origin", "main")
  }
  return {
    workspace,
    server,
    git: (name, ...args) => run(homeOf(name), ...args),
    add: async (name, files) => {
      run(root, "init", "--quiet", "--bare", "--initial-branch=main", homeOf(name))
      run(root, "clone", "--quiet", homeOf(name), `${name}-work`)
      await commit(name, "begin", files)
      return `${server.url}/${name}.git`
    },
    person: async (name, files) => {
      run(join(root, `${name}-work`), "pull", "--quiet", "--rebase", "origin", "main")
      await commit(name, "by hand", files)
    },
    [Symbol.asyncDispose]: async () => {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      await rm(root, { recursive: true, force: true })
    }
  }
}

// --- internal ---

const run = (cwd: string, ...args: ReadonlyArray<string>): string => {
  const done = Bun.spawnSync(["git", ...args], { cwd, env: isolated, stdout: "pipe", stderr: "pipe" })
  if (done.exitCode !== 0) throw new Error(`git ${args.join(" ")}: ${done.stderr.toString()}`)
  return done.stdout.toString().replace(/\n$/, "")
}
