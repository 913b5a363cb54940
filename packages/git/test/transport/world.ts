/** A served repository with one commit, and what tests ask about it. */
import { rmSync } from "node:fs"
import { cp, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { parseBranch, parseObjectId } from "../../src/GitName.ts"
import { makeGitHttpServer } from "../../src/testing/GitHttpServer.ts"
import { makeTempDirectory, type TempFile, tempRepoAt } from "../../src/testing/TempRepo.ts"
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
  const template = yield* templateOf({ objectFormat: "sha1", branch, files: defaultFiles, ...options })
  const root = yield* makeTempDirectory
  yield* Effect.promise(() => cp(template, root, { recursive: true }))
  const server = yield* makeGitHttpServer({ root })
  const bare = yield* tempRepoAt(join(root, "target.git"))
  const work = yield* tempRepoAt(join(root, "work"))
  const first = yield* parseObjectId(yield* work.git("rev-parse", "HEAD"))
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

// --- internal ---

/** Folders that worlds are copied from, as making one takes a dozen processes. */
const templates = new Map<string, string>()
process.on("exit", () => {
  for (const template of templates.values()) rmSync(template, { recursive: true, force: true })
})

const templateOf = Effect.fnUntraced(function* (options: Required<WorldOptions>) {
  const key = JSON.stringify(options)
  const known = templates.get(key)
  if (known !== undefined) return known
  const root = yield* Effect.promise(() => mkdtemp(join(tmpdir(), "patchmoi-world-")))
  templates.set(key, root)
  const home = yield* tempRepoAt(root)
  const init = ["init", "--quiet", "--template=", `--object-format=${options.objectFormat}`]
  for (const name of ["target.git", "empty.git"])
    yield* home.git(...init, "--bare", `--initial-branch=${options.branch}`, name)
  yield* home.git(...init, `--initial-branch=${options.branch}`, "work")
  const bare = yield* tempRepoAt(join(root, "target.git"))
  yield* bare.git("config", "uploadpack.allowFilter", "true")
  yield* bare.git("config", "uploadpack.allowAnySHA1InWant", "true")
  const work = yield* tempRepoAt(join(root, "work"))
  yield* work.commit("first", options.files)
  yield* work.git("push", "--quiet", bare.directory, options.branch)
  return root
})
