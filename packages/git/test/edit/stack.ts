/** The fork that the tests of edits share, and what they look at. Made by few git processes, because there are many tests. */
import { appendFile, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { isObjectId, parseRef } from "../../src/GitName.ts"
import { readPatchBranches } from "../../src/patch/PatchPlan.ts"
import { openRepository, readRefs } from "../../src/Repository.ts"
import { makeTempRepo, type TempFile, type TempRepo } from "../../src/testing/TempRepo.ts"
import type { Topology } from "../../src/topology/Topology.ts"
import { numbered } from "../support.ts"

type Files = Readonly<Record<string, TempFile>>
type Commits = ReadonlyArray<readonly [message: string, files: Files]>

/**
 * Upstream with `v1` and one commit more; `patch/010-a` with one commit and `patch/020-b` with two, on `v1`; `main` on
 * upstream's tip. Work that is not committed lies in the work tree.
 */
export const makeStack = (options: { readonly objectFormat?: "sha1" | "sha256" } = {}) =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo(options)
    const remote = '[remote "upstream"]\n\turl = https://example.com/upstream.git\n'
    yield* Effect.promise(() => appendFile(join(repo.directory, ".git/config"), remote))
    const base = { "a.txt": numbered(20), "b.txt": numbered(20), "dir/c.txt": "c\n" }
    yield* branch(repo, "main", null, [["base", base]])
    yield* repo.git("tag", "v1", "main")
    yield* branch(repo, "patch/020-b", "v1", [
      ["b, first part", { "b.txt": numbered(20, { 3: "b" }) }],
      ["b, second part", { "dir/new.txt": "new\n", "b.txt": numbered(20, { 3: "b", 17: "b" }) }]
    ])
    yield* branch(repo, "patch/010-a", "v1", [["a", { "a.txt": numbered(20, { 3: "a" }) }]])
    const goesOn = { "a.txt": numbered(20, { 18: "up" }) }
    const upstream = yield* branch(repo, "main", "main", [["upstream goes on", goesOn]])
    yield* repo.git("update-ref", "refs/remotes/upstream/main", upstream)
    yield* repo.git("reset", "--quiet", "--hard")
    yield* Effect.promise(() => writeFile(join(repo.directory, "a.txt"), "not committed\n"))
    return repo
  })

/** A branch with commits, made anew without a work tree. Gives its tip. */
export const branch = (repo: TempRepo, name: string, on: string | null, commits: Commits) =>
  Effect.gen(function* () {
    const pieces = commits.flatMap(([message, files], at) => [
      ...(at === 0 && on !== null ? [`reset refs/heads/${name}\nfrom ${on}^0\n\n`] : []),
      `commit refs/heads/${name}\nmark :${at + 1}\n`,
      `author Ada Author <ada@example.com> ${1_700_000_000 + at} +0100\n`,
      `committer Cleo Committer <cleo@example.com> ${1_700_000_500 + at} +0100\n`,
      ...data(message),
      ...Object.entries(files).flatMap(([path, file]) => fileLines(path, file)),
      "\n"
    ])
    const stdin = Buffer.concat(
      [...pieces, `get-mark :${commits.length}\n`].map((piece) => Buffer.from(piece))
    )
    const tip = yield* repo.run({ args: ["fast-import", "--quiet", "--force"], stdin })
    return tip
  })

/** The repository and what a command knows of it. */
export const here = (repo: TempRepo) =>
  Effect.gen(function* () {
    const repository = yield* openRepository({ directory: repo.directory })
    const patches = yield* readPatchBranches({ repository, prefix: yield* parseRef("refs/heads/patch") })
    const upstream = yield* parseRef("refs/remotes/upstream/main")
    const target = yield* parseRef("refs/heads/main")
    const refs = yield* readRefs({ repository, patterns: [upstream, target] })
    const topology: Topology = {
      directory: repo.directory,
      name: "fork",
      remotes: [{ name: "upstream", url: "https://example.com/upstream.git" }],
      upstreamRemote: "upstream",
      forkRemote: null,
      wanted: { upstreamRemote: "upstream", forkRemote: "origin" },
      upstream: { ref: upstream, commit: refs.get(upstream) ?? null },
      target: { ref: target, commit: refs.get(target) ?? null },
      branch: "main",
      patches,
      patchPrefix: "patch/",
      tags: ["v1"],
      workTree: "dirty",
      shallow: false
    }
    return { repository, topology }
  })

/** All refs, and what is the user's. */
export const snapshot = (repo: TempRepo) =>
  Effect.gen(function* () {
    return { refs: yield* repo.git("for-each-ref"), user: yield* userState(repo) }
  })

/** HEAD, index and work tree of the person who calls: no edit may touch them. */
export const userState = (repo: TempRepo) =>
  Effect.promise(() =>
    Promise.all(
      [".git/HEAD", ".git/index", "a.txt"].map(async (path) =>
        (await readFile(join(repo.directory, path))).toString("base64")
      )
    )
  )

/** The object that a name stands for; an empty text when there is none. */
export const idOf = (repo: TempRepo, name: string) =>
  repo.run({ args: ["rev-parse", "--verify", "--quiet", name], okExitCodes: [0, 1] })

/** The same for what has to be there. */
export const objectOf = (repo: TempRepo, name: string) =>
  Effect.filterOrDieMessage(idOf(repo, name), isObjectId, `${name} is not there`)

/** The patch branches in their order. */
export const branches = (repo: TempRepo) =>
  Effect.map(repo.git("for-each-ref", "--format=%(refname:short)", "refs/heads/patch/"), (text) =>
    text.split("\n")
  )

// --- internal ---

const data = (content: string | Uint8Array): ReadonlyArray<string | Uint8Array> => {
  const bytes = Buffer.from(content)
  return [`data ${bytes.length}\n`, bytes, "\n"]
}

const fileLines = (path: string, file: TempFile): ReadonlyArray<string | Uint8Array> => {
  if (file === null) return [`D ${path}\n`]
  if (typeof file === "string" || file instanceof Uint8Array)
    return [`M 100644 inline ${path}\n`, ...data(file)]
  if ("symlink" in file) return [`M 120000 inline ${path}\n`, ...data(file.symlink)]
  return [`M 100755 inline ${path}\n`, ...data(file.content)]
}
