/** A served repository with one commit, and what tests ask about it. */
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { parseBranch } from "../../src/GitName.ts"
import { makeGitHttpServer } from "../../src/testing/GitHttpServer.ts"
import { makeTempDirectory, makeTempRepo, type TempFile, tempRepoAt } from "../../src/testing/TempRepo.ts"
import type { PushFileOptions, TransportTarget } from "../../src/transport/GitTransport.ts"

export interface WorldOptions {
  readonly objectFormat?: "sha1" | "sha256"
  readonly branch?: string
  readonly files?: Readonly<Record<string, TempFile>>
}

export const defaultFiles = {
  ".runtime-version": "1.0.0\n",
  "a/b/version": "1.0.0\n",
  "a/run.sh": { content: "#!/bin/sh\n", executable: true },
  "a.txt": "beside the folder a\n",
  ".github/workflows/build.yml": "on: push\n",
  "docs/read.md": "words\n"
} as const satisfies Record<string, TempFile>

/** A server with the bare repositories `target.git` (one commit) and `empty.git`, and the work tree that made the commit. */
export const makeWorld = Effect.fnUntraced(function* (options: WorldOptions = {}) {
  const branch = options.branch ?? "trunk"
  const root = yield* makeTempDirectory
  const server = yield* makeGitHttpServer({ root })
  const home = yield* tempRepoAt(root)
  const format = `--object-format=${options.objectFormat ?? "sha1"}`
  for (const name of ["target.git", "empty.git"])
    yield* home.git("init", "--quiet", "--bare", format, `--initial-branch=${branch}`, name)
  const bare = yield* tempRepoAt(join(root, "target.git"))
  yield* bare.git("config", "uploadpack.allowFilter", "true")
  yield* bare.git("config", "uploadpack.allowAnySHA1InWant", "true")
  const work = yield* makeTempRepo({ objectFormat: options.objectFormat ?? "sha1" })
  yield* work.git("checkout", "--quiet", "-b", branch)
  const first = yield* work.commit("first", options.files ?? defaultFiles)
  yield* work.git("push", "--quiet", bare.directory, branch)
  const httpTarget = (repository = "target.git", authorization: string | null = null): TransportTarget => ({
    url: `${server.url}/${repository}`,
    authorization: authorization === null ? null : Redacted.make(authorization)
  })
  return { root, server, bare, work, first, branch: yield* parseBranch(branch), httpTarget }
})

export type World = Effect.Effect.Success<ReturnType<typeof makeWorld>>

/** A push of `.runtime-version` with fixed author and date. */
export const pushOf = (
  options: Pick<PushFileOptions, "branch" | "view"> & Partial<PushFileOptions>
): PushFileOptions => ({
  path: ".runtime-version",
  content: Buffer.from("2.0.0\n"),
  author: { name: "Cascade", email: "cascade@example.com" },
  date: 1_800_000_000,
  message: "chore: pin runtime to 2.0.0",
  ...options
})
