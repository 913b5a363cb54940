/** Downstream repositories behind a real git server, for the tests of cascades. */
import { cp } from "node:fs/promises"
import { join } from "node:path"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Layer from "effect/Layer"
import { type ApplyOptions, applyCascade } from "../../src/cascade/apply.ts"
import type { CascadeReport } from "../../src/cascade/CascadeReport.ts"
import { type CascadeVersion, parseVersion } from "../../src/cascade/CascadeVersion.ts"
import { layerNoForgeApi } from "../../src/cascade/ForgeApi.ts"
import * as HeadMemory from "../../src/cascade/HeadMemory.ts"
import { type PlanOptions, planCascade } from "../../src/cascade/plan.ts"
import { parseCascadeConfig } from "../../src/cascade/readConfig.ts"
import { Git } from "../../src/Git.ts"
import { layerGitCli } from "../../src/GitCli.ts"
import { makeGitHttpServer } from "../../src/testing/GitHttpServer.ts"
import { makeTempDirectory, type TempFile, tempRepoAt } from "../../src/testing/TempRepo.ts"
import { layerTransport } from "../../src/transport/TransportByUrl.ts"

/** A downstream repository: its bare home behind the server, and a clone in which people work. */
export interface Downstream {
  readonly name: string
  readonly url: string
  /** Pushes a commit of a person's. */
  readonly person: (message: string, files: Readonly<Record<string, TempFile>>) => Effect.Effect<void>
  /** The content of a file on the branch; `null` when there is none. */
  readonly read: (path: string, branch?: string) => Effect.Effect<string | null>
  /** The subjects of the branch, newest first. */
  readonly subjects: (branch?: string) => Effect.Effect<ReadonlyArray<string>>
  /** Runs git in the bare home. */
  readonly git: (...args: ReadonlyArray<string>) => Effect.Effect<string>
}

export const version = (text: string): CascadeVersion => Either.getOrThrow(parseVersion(text))

/** A server with an empty world. Closing the scope removes everything. */
export const makeWorld = Effect.gen(function* () {
  const root = yield* makeTempDirectory
  const server = yield* makeGitHttpServer({ root })
  const templates = new Map<string, string>()

  /** Makes a bare repository with one commit of the files; equal ones are copies of each other. */
  const downstream = Effect.fnUntraced(function* (
    name: string,
    files: Readonly<Record<string, TempFile>> | null,
    branch = "main"
  ) {
    const home = join(root, `${name}.git`)
    const key = `${branch} ${JSON.stringify(files)}`
    const template = templates.get(key)
    if (template === undefined) {
      yield* makeBare(home, files, branch)
      templates.set(key, home)
    } else {
      yield* Effect.promise(() => cp(template, home, { recursive: true }))
    }
    return yield* handsFor(name, home, `${server.url}/${name}.git`, branch)
  }, Effect.orDie)

  return { root, server, downstream }
})

/** The text of a configuration for these targets. */
export const configText = (targets: ReadonlyArray<string>, extra = ""): string =>
  `name = "runtime"\n${extra}\ntargets = ${JSON.stringify(targets)}\n`

export const configFor = (targets: ReadonlyArray<string>, extra = "") =>
  Either.getOrThrow(parseCascadeConfig({ file: "cascade.toml", text: configText(targets, extra) }))

/** Plans and applies at once. */
export const cascade = (
  options: Omit<PlanOptions, "version"> & { readonly version: string },
  apply: ApplyOptions = {}
) =>
  Effect.flatMap(planCascade({ ...options, version: version(options.version) }), (plan) =>
    applyCascade(plan, apply)
  )

/** `name=status` of each target, by the last part of its address. */
export const statuses = (report: CascadeReport): Readonly<Record<string, string>> =>
  Object.fromEntries(
    report.outcomes.map(({ status, target }) => [target.url.split("/").at(-1)?.replace(".git", ""), status])
  )

/** Real git and the real transport; no token, no memory, no API of a forge. */
export const layerWorld = Layer.mergeAll(
  Layer.provideMerge(layerTransport(), layerGitCli()),
  HeadMemory.layerNone,
  layerNoForgeApi
).pipe(Layer.provideMerge(Layer.setConfigProvider(ConfigProvider.fromEnv())))

// --- internal ---

const makeBare = (home: string, files: Readonly<Record<string, TempFile>> | null, branch: string) =>
  Effect.gen(function* () {
    const git = yield* Git
    yield* git.run({ args: ["init", "--quiet", "--bare", `--initial-branch=${branch}`, home], cwd: "/" })
    if (files === null) return
    const work = yield* makeTempDirectory
    const repo = yield* tempRepoAt(work)
    yield* repo.git("init", "--quiet", `--initial-branch=${branch}`, ".")
    yield* repo.commit("begin", files)
    yield* repo.git("push", "--quiet", home, branch)
  })

const handsFor = (name: string, home: string, url: string, branch: string) =>
  Effect.gen(function* () {
    const program = yield* Git
    const bare = yield* tempRepoAt(home)
    const git = (...args: ReadonlyArray<string>) => Effect.orDie(bare.git(...args))
    const hands: Downstream = {
      name,
      url,
      git,
      read: (path, from = branch) =>
        bare.run({ args: ["cat-file", "blob", `${from}:${path}`] }).pipe(
          Effect.option,
          Effect.map((found) => (found._tag === "Some" ? found.value : null))
        ),
      subjects: (from = branch) => Effect.map(git("log", "--format=%s", from), (lines) => lines.split("\n")),
      person: (message, files) =>
        Effect.scoped(
          Effect.gen(function* () {
            const work = yield* makeTempDirectory
            const repo = yield* tempRepoAt(work)
            yield* repo.git("clone", "--quiet", "--branch", branch, home, ".")
            yield* repo.commit(message, files)
            yield* repo.git("push", "--quiet", "origin", branch)
          })
        ).pipe(Effect.provideService(Git, program), Effect.orDie)
    }
    return hands
  })
