/**
 * Goal: a rebuild works wherever a repository lies and whatever it holds, and leaves index, HEAD and work tree byte for byte
 * as they were. Method: one fork with everything unusual in it, rebuilt in each kind of repository; the commits are compared with
 * those of the plain clone, and every file of the user's before and after.
 */
import { describe, expect, test } from "bun:test"
import { chmod, lstat, readdir, readFile, readlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { layerGitCli } from "../../src/GitCli.ts"
import { rebuildWithoutGit } from "../../src/patch/RebuildWithoutGit.ts"
import {
  isolatedEnvironment,
  makeTempClone,
  makeTempDirectory,
  makeTempRepo,
  type TempRepo,
  tempRepoAt
} from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { rebuildIn, rebuiltIn } from "./fork.ts"

const candidate = "refs/heads/candidate/v2"
const refs = [{ ref: candidate, expected: null }]

/** A fork with a submodule, symlinks, executable files, CRLF, attributes, a binary, and names that are not UTF-8. */
const makeOddFork = (objectFormat: "sha1" | "sha256" = "sha1") =>
  Effect.gen(function* () {
    const repo = yield* makeTempRepo({ objectFormat })
    const gitlink = (digit: string) => `160000,${digit.repeat(objectFormat === "sha1" ? 40 : 64)},sub/module`
    const blob = yield* repo.run({ args: ["hash-object", "-w", "--stdin"], stdin: numbered(20) })
    const odd = Buffer.concat([
      Buffer.from(`100644 ${blob}\t`),
      Buffer.from([0x6f, 0xff, 0x2f, 0xfe, 0x64, 0])
    ])
    const commit = (
      message: string,
      files: Parameters<TempRepo["write"]>[0],
      index: ReadonlyArray<string> = []
    ) =>
      Effect.gen(function* () {
        yield* repo.write(files)
        yield* repo.git("add", "--", ...Object.keys(files))
        if (index.length > 0)
          yield* repo.git("update-index", "--add", ...index.flatMap((line) => ["--cacheinfo", line]))
        yield* repo.git("commit", "--quiet", "-m", message)
      })
    yield* repo.run({ args: ["update-index", "--add", "-z", "--index-info"], stdin: odd })
    yield* commit(
      "base",
      {
        ".gitattributes": "*.txt text\n*.bin binary\nwin/*.txt text eol=crlf\n",
        "a.txt": numbered(30),
        "run.sh": { content: "#!/bin/sh\n", executable: true },
        link: { symlink: "a.txt" },
        "raw/crlf.dat": numbered(20).replaceAll("\n", "\r\n"),
        "win/b.txt": numbered(20),
        "data.bin": new Uint8Array([0, 1, 2, 3])
      },
      [gitlink("1")]
    )
    yield* repo.git("tag", "v1")
    yield* repo.git("switch", "--quiet", "-c", "patch/1-modes")
    yield* Effect.promise(() => chmod(join(repo.directory, "run.sh"), 0o644))
    yield* commit("modes and links", { "run.sh": "#!/bin/sh\n", link: { symlink: "run.sh" } })
    yield* repo.git("switch", "--quiet", "-c", "patch/2-text", "v1")
    yield* commit("line ends", {
      "raw/crlf.dat": numbered(20, { 3: "patch" }).replaceAll("\n", "\r\n"),
      "win/b.txt": numbered(20, { 3: "patch" }),
      "a.txt": numbered(30, { 3: "patch" })
    })
    yield* repo.git("switch", "--quiet", "-c", "patch/3-odd", "v1")
    const changed = yield* repo.run({
      args: ["hash-object", "-w", "--stdin"],
      stdin: numbered(20, { 3: "patch" })
    })
    yield* repo.run({
      args: ["update-index", "-z", "--index-info"],
      stdin: Buffer.from(odd.toString("latin1").replace(blob, changed), "latin1")
    })
    yield* commit("odd name and submodule", { "data.bin": new Uint8Array([0, 9, 9]) }, [gitlink("2")])
    yield* repo.git("switch", "--quiet", "main")
    const released = yield* repo.run({
      args: ["hash-object", "-w", "--stdin"],
      stdin: numbered(20, { 15: "v2" })
    })
    yield* repo.run({
      args: ["update-index", "-z", "--index-info"],
      stdin: Buffer.from(odd.toString("latin1").replace(blob, released), "latin1")
    })
    yield* commit("release", {
      "raw/crlf.dat": numbered(20, { 15: "v2" }).replaceAll("\n", "\r\n"),
      "win/b.txt": numbered(20, { 15: "v2" }),
      "a.txt": numbered(30, { 25: "v2" })
    })
    yield* repo.git("tag", "v2")
    return repo
  })

/** Git with the answer that `cat-file` gives from 2.51 on for a submodule whose commit is not here. */
const newerCatFile = Effect.gen(function* () {
  const program = join(yield* makeTempDirectory, "git")
  const answer = `s/^[0-9a-f]*:sub.module missing$/${"3".repeat(40)} submodule/`
  const script = `#!/bin/sh\ncase "$1" in cat-file) git "$@" | sed '${answer}' ;; *) exec git "$@" ;; esac\n`
  yield* Effect.promise(() => writeFile(program, script, { mode: 0o755 }))
  return program
})

/** Every file of the folder with its bytes, mode and time, but for the objects and refs that a rebuild adds. */
const snapshot = (directory: string) =>
  Effect.promise(async () => {
    const found: Record<string, string> = {}
    for (const name of (await readdir(directory, { recursive: true })).sort()) {
      // A name that is not UTF-8 cannot be asked for as a text.
      if (
        name.includes("\ufffd") ||
        /(?:^|\/)(?:objects|patchmoi|logs)(?:\/|$)|refs\/heads\/candidate/.test(name)
      )
        continue
      const path = join(directory, name)
      const stat = await lstat(path)
      const content = stat.isSymbolicLink()
        ? await readlink(path)
        : stat.isFile()
          ? await readFile(path, "latin1")
          : ""
      found[name] = `${stat.mode} ${stat.isFile() ? stat.mtimeMs : ""} ${content}`
    }
    return found
  })

const rebuiltUntouched = (repo: TempRepo, more: Parameters<typeof rebuiltIn>[1] = {}) =>
  Effect.gen(function* () {
    const before = yield* snapshot(repo.directory)
    const result = yield* rebuiltIn(repo.directory, { refs, ...more })
    expect(yield* snapshot(repo.directory)).toEqual(before)
    expect(yield* repo.git("rev-parse", candidate)).toBe(result.tip)
    return result
  })

describe("a rebuild", () => {
  test(
    "carries modes, links, line ends, binaries, submodules and odd names over, in a work tree that is dirty",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeOddFork()
        yield* repo.write({ "a.txt": "not committed\n", "untracked.txt": "u\n" })
        yield* repo.git("update-index", "--chmod=-x", "run.sh")
        const result = yield* rebuiltUntouched(repo)
        const listed = yield* repo.git("ls-tree", "-r", "-z", "--format=%(objectmode) %(path)", result.tip)
        expect(listed.split("\0").filter(Boolean)).toEqual([
          "100644 .gitattributes",
          "100644 a.txt",
          "100644 data.bin",
          "120000 link",
          '100644 "o\\377/\\376d"',
          "100644 raw/crlf.dat",
          "100644 run.sh",
          "160000 sub/module",
          "100644 win/b.txt"
        ])
        const both = (count: number, late: number) => numbered(count, { 3: "patch", [late]: "v2" })
        const shown = (path: string) => repo.git("cat-file", "blob", `${result.tip}:${path}`)
        expect(`${yield* shown("raw/crlf.dat")}\n`).toBe(both(20, 15).replaceAll("\n", "\r\n"))
        expect(`${yield* shown("win/b.txt")}\n`).toBe(both(20, 15))
        expect(`${yield* shown("a.txt")}\n`).toBe(both(30, 25))
        expect(yield* shown("link")).toBe("run.sh")
        expect(yield* repo.git("rev-parse", `${result.tip}:sub/module`)).toBe("2".repeat(40))
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
      })
    )
  )

  test(
    "gives the same commits in bare, shallow, partial and sparse clones, and in linked work trees",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeOddFork()
        yield* repo.git("config", "uploadpack.allowFilter", "true")
        const { tip } = yield* rebuiltIn(repo.directory)
        const branches = "+refs/heads/*:refs/heads/*"
        const mirror = yield* makeTempClone({ from: repo.directory, args: ["--mirror"] })
        const shallow = yield* makeTempClone({
          from: repo.directory,
          args: ["--bare", "--depth=2", "--no-single-branch"]
        })
        const partial = yield* makeTempClone({
          from: repo.directory,
          args: ["--mirror", "--filter=blob:none"]
        })
        const sparse = yield* makeTempClone({
          from: repo.directory,
          args: ["--sparse", "--filter=blob:none"]
        })
        yield* sparse.git("sparse-checkout", "set", "raw")
        yield* sparse.git("fetch", "--quiet", "--update-head-ok", "origin", branches)
        for (const clone of [mirror, shallow, partial, sparse]) {
          expect((yield* rebuiltUntouched(clone)).tip).toBe(tip)
        }
        const home = yield* makeTempDirectory
        yield* repo.git("worktree", "add", "--quiet", "--detach", join(home, "linked"), "v1")
        const linked = yield* tempRepoAt(join(home, "linked"))
        const before = yield* snapshot(repo.directory)
        expect((yield* rebuiltUntouched(linked)).tip).toBe(tip)
        expect(yield* snapshot(repo.directory)).toEqual(before)
      })
    )
  )

  test(
    "works with SHA-256 ids, inside a submodule, and without a git program",
    withGit(() =>
      Effect.gen(function* () {
        const sha256 = yield* rebuiltUntouched(yield* makeOddFork("sha256"))
        expect(sha256.tip).toHaveLength(64)
        const repo = yield* makeOddFork()
        const { tip } = yield* rebuiltIn(repo.directory)
        const outer = yield* makeTempRepo()
        yield* outer.git(
          "-c",
          "protocol.file.allow=always",
          "submodule",
          "--quiet",
          "add",
          repo.directory,
          "inner"
        )
        const inner = yield* tempRepoAt(join(outer.directory, "inner"))
        for (const branch of ["patch/1-modes", "patch/2-text", "patch/3-odd"]) {
          yield* inner.git("branch", "--quiet", branch, `origin/${branch}`)
        }
        expect((yield* rebuiltUntouched(inner)).tip).toBe(tip)
        // The attribute `binary` is there, so without git no file that both sides changed is merged.
        const plain = yield* rebuildWithoutGit({ directory: inner.directory, onto: "v2", keepGoing: true })
        expect(plain).toMatchObject({
          _tag: "Rebuilt",
          applied: [{ patch: "patch/1-modes" }],
          skipped: [
            { patch: "patch/2-text" },
            { patch: "patch/3-odd", conflict: { files: [{ pathBase64: "b/8v/mQ=" }] } }
          ]
        })
      })
    )
  )

  test(
    "tells a submodule, a binary and a name that is not UTF-8 in conflict apart",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeOddFork()
        yield* repo.write({ "data.bin": new Uint8Array([0, 7]) })
        yield* repo.git("add", "data.bin")
        yield* repo.git("update-index", "--cacheinfo", `160000,${"3".repeat(40)},sub/module`)
        yield* repo.git("commit", "--quiet", "-m", "another release")
        yield* repo.git("tag", "v3")
        const rebuilt = rebuildIn(repo.directory, { onto: "v3" })
        const result = yield* rebuilt
        expect(result).toMatchObject({
          _tag: "Conflicted",
          conflict: {
            patch: "patch/3-odd",
            files: [
              { path: "data.bin", kind: "binary", markedText: null },
              { path: "sub/module", kind: "submodule" }
            ]
          }
        })
        const program = yield* newerCatFile
        expect(yield* Effect.provide(rebuilt, layerGitCli({ program, env: isolatedEnvironment }))).toEqual(
          result
        )
      })
    )
  )
})
