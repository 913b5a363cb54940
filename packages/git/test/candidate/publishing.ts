/** A fork with a proven candidate, its remote and upstream behind a real server, and short ways to publish. */
import { afterAll } from "bun:test"
import { rmSync } from "node:fs"
import { cp, mkdir, mkdtemp, realpath } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { CandidateProof } from "../../src/candidate/CandidateProof.ts"
import { type PublishPlanOptions, planPublish } from "../../src/candidate/PublishPlan.ts"
import type { PublishPolicy } from "../../src/candidate/PublishPolicy.ts"
import { applyPublish } from "../../src/candidate/publishCandidate.ts"
import { parseObjectId, parseRef } from "../../src/GitName.ts"
import type { Rebuilt } from "../../src/patch/RebuildResult.ts"
import { fetchRemote } from "../../src/Remote.ts"
import { openRepository, type Repository } from "../../src/Repository.ts"
import { makeGitHttpServer } from "../../src/testing/GitHttpServer.ts"
import { makeTempDirectory, tempRepoAt } from "../../src/testing/TempRepo.ts"
import { makeProven } from "./proven.ts"

/** The operator allows everything to `origin` that needs no force. */
export const openPolicy: PublishPolicy = {
  publish: true,
  remotes: ["origin"],
  moveTarget: true,
  force: false,
  approval: "none"
}

/** A world of its own for each test, copied from one that is made once per format: making it takes a second. */
export const makePublishing = (objectFormat: "sha1" | "sha256" = "sha1") =>
  Effect.gen(function* () {
    const template = templates.get(objectFormat) ?? (yield* makeTemplate(objectFormat))
    templates.set(objectFormat, template)
    const home = yield* makeTempDirectory
    yield* Effect.promise(() => cp(template.home, home, { recursive: true }))
    const root = join(home, "remotes")
    const server = yield* makeGitHttpServer({ root })
    const repo = yield* tempRepoAt(join(home, "clone"))
    const config = Bun.file(join(repo.directory, ".git/config"))
    const remotes = ["origin fork", "upstream upstream"].map((line) => {
      const [remote, name] = line.split(" ")
      const refs = `+refs/heads/*:refs/remotes/${remote}/*`
      return `[remote "${remote}"]\n\turl = ${server.url}/${name}.git\n\tfetch = ${refs}\n`
    })
    yield* Effect.promise(async () => Bun.write(config, (await config.text()) + remotes.join("")))
    return {
      proof: template.proof,
      rebuilt: template.rebuilt,
      repo,
      repository: yield* openRepository({ directory: repo.directory }),
      root,
      server,
      fork: yield* tempRepoAt(join(root, "fork.git")),
      upstream: yield* tempRepoAt(join(root, "upstream.git"))
    }
  })

export type Publishing = Effect.Effect.Success<ReturnType<typeof makePublishing>>

/** Plans to publish `candidate/v2`. */
export const planned = (repository: Repository, more: Partial<PublishPlanOptions> = {}) =>
  planPublish({ repository, revision: "candidate/v2", remote: "origin", upstreamRemote: "upstream", ...more })

/** Plans and carries out. */
export const published = (
  repository: Repository,
  more: Partial<PublishPlanOptions> = {},
  policy: Partial<PublishPolicy> = {}
) =>
  Effect.gen(function* () {
    const plan = yield* planned(repository, more)
    return yield* applied(repository, plan, policy)
  })

/** Carries out. */
export const applied = (
  repository: Repository,
  plan: Effect.Effect.Success<ReturnType<typeof planPublish>>,
  policy: Partial<PublishPolicy> = {},
  more: Partial<Parameters<typeof applyPublish>[0]> = {}
) =>
  Effect.gen(function* () {
    const maintained = yield* parseRef("refs/heads/main")
    const restrictions = { forbidden: [] }
    return yield* applyPublish({
      repository,
      plan,
      policy: { ...openPolicy, ...policy },
      restrictions,
      maintained,
      ...more
    })
  })

/** Somebody else's commit on a branch of the fork's remote, which the clone has never seen. */
export const pushByAnother = (world: Pick<Publishing, "fork">, branch: string) =>
  Effect.gen(function* () {
    const tree = yield* world.fork.run({ args: ["mktree"], stdin: "" })
    const commit = yield* world.fork.git("commit-tree", "-m", "by another", tree)
    yield* world.fork.git("update-ref", `refs/heads/${branch}`, commit)
    return yield* parseObjectId(commit)
  })

/** The refs of the remote. */
export const remoteRefs = ({ fork }: Pick<Publishing, "fork">) =>
  Effect.map(fork.git("for-each-ref", "--format=%(refname) %(objectname)"), (text) =>
    Object.fromEntries(text.split("\n").map((line) => line.split(" ")))
  )

// --- internal ---

interface Template {
  readonly home: string
  readonly proof: CandidateProof
  readonly rebuilt: Rebuilt
}

const templates = new Map<string, Template>()

afterAll(() => {
  for (const { home } of templates.values()) rmSync(home, { recursive: true, force: true })
  templates.clear()
})

const makeTemplate = (objectFormat: "sha1" | "sha256") =>
  Effect.scoped(
    Effect.gen(function* () {
      const { proof, rebuilt, repo, repository } = yield* makeProven(objectFormat)
      const home = yield* Effect.promise(async () =>
        realpath(await mkdtemp(join(tmpdir(), "patchmoi-publish-")))
      )
      const root = join(home, "remotes")
      yield* Effect.promise(() => mkdir(root))
      for (const name of ["fork.git", "upstream.git"]) {
        const args = ["init", "--quiet", "--bare", `--object-format=${objectFormat}`, name]
        yield* (yield* tempRepoAt(root)).run({ args })
      }
      yield* repo.git("push", "--quiet", join(root, "upstream.git"), "main", "v1", "v2")
      yield* repo.git("push", "--quiet", join(root, "fork.git"), "v1^{commit}:refs/heads/main")
      yield* repo.git("remote", "add", "upstream", join(root, "upstream.git"))
      yield* fetchRemote({ repository, remote: "upstream" })
      yield* repo.git("config", "--remove-section", "remote.upstream")
      yield* Effect.promise(() => cp(repo.directory, join(home, "clone"), { recursive: true }))
      const template: Template = { home, proof, rebuilt }
      return template
    })
  )
