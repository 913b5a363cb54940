import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { AppliedCommit, RebuildResult } from "../../src/patch/RebuildResult.ts"
import { makeTempClone } from "../../src/testing/TempRepo.ts"
import { withGit } from "../support.ts"
import { rebuildIn, rebuiltIn } from "./fork.ts"
import {
  conflictAsBefore,
  type Files,
  fork1,
  fork2,
  makeManifestFork,
  manifest,
  renameBesideBump,
  upstream1,
  upstream2
} from "./manifests.ts"

/** The one commit's list of files merged by their values. */
const structuredOf = (result: RebuildResult) =>
  result.applied.flatMap((patch) => patch.commits.map((commit) => commit.structured))

describe("a release beside a renamed package", () => {
  test(
    "is merged by its values, says so, and has the text that a person would write",
    withGit(() =>
      Effect.gen(function* () {
        for (const objectFormat of ["sha1", "sha256"] as const) {
          const repo = yield* makeManifestFork(renameBesideBump, objectFormat)
          for (const engine of ["stream", "process"] as const) {
            const result = yield* rebuiltIn(repo.directory, { engine })
            expect(yield* repo.git("show", `${result.tip}:package.json`)).toBe(fork2.trimEnd())
            expect(structuredOf(result)).toEqual([["package.json"]])
            expect(yield* Schema.decodeUnknown(RebuildResult)(JSON.parse(JSON.stringify(result)))).toEqual(
              result
            )
          }
          expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
        }
      })
    )
  )

  test(
    "gives the same ids in another clone, and the ids of a person who resolves the pick to the same text",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeManifestFork(renameBesideBump)
        const clone = yield* makeTempClone({ from: repo.directory, args: ["--mirror"] })
        const here = yield* rebuiltIn(repo.directory, { engine: "stream" })
        const there = yield* rebuiltIn(clone.directory, { engine: "process" })
        expect(there.tip).toBe(here.tip)
        yield* repo.git("switch", "--quiet", "--detach", "v2")
        yield* repo.run({ args: ["cherry-pick", "patch/name"], okExitCodes: [1] })
        yield* repo.write({ "package.json": fork2 })
        yield* repo.git("add", "package.json")
        expect(yield* repo.git("write-tree")).toBe(here.tree)
      })
    )
  )

  test(
    "keeps tabs and CRLF of the release",
    withGit(() =>
      Effect.gen(function* () {
        const like = (text: string) => text.replaceAll("  ", "\t").replaceAll("\n", "\r\n")
        const repo = yield* makeManifestFork({
          ...renameBesideBump,
          ours: { "package.json": like(upstream2) }
        })
        const result = yield* rebuiltIn(repo.directory)
        expect(yield* repo.git("cat-file", "blob", `${result.tip}:package.json`)).toBe(
          like(fork2).slice(0, -1)
        )
      })
    )
  )

  test(
    "is merged in folders too, several files at once, and the rest of the tree is git's merge",
    withGit(() =>
      Effect.gen(function* () {
        const at = (text: string) => ({
          "package.json": text,
          "packages/a b/ü/package.json": text,
          "packages/a b/package.json": text
        })
        const repo = yield* makeManifestFork({
          base: { ...at(upstream1), "packages/a b/x.txt": "1\n", "zz/y.txt": "1\n" },
          ours: { ...at(upstream2), "packages/a b/x.txt": "2\n" },
          theirs: { ...at(fork1), "zz/y.txt": "2\n" }
        })
        const result = yield* rebuiltIn(repo.directory)
        expect(structuredOf(result)).toEqual([
          ["package.json", "packages/a b/package.json", "packages/a b/ü/package.json"]
        ])
        for (const path of Object.keys(at("")))
          expect(yield* repo.git("show", `${result.tip}:${path}`)).toBe(fork2.trimEnd())
        expect(yield* repo.git("show", `${result.tip}:packages/a b/x.txt`)).toBe("2")
        expect(yield* repo.git("show", `${result.tip}:zz/y.txt`)).toBe("2")
        expect(yield* repo.git("fsck", "--strict", "--no-dangling")).toBe("")
      })
    )
  )

  test(
    "takes a changed mode from the side that changed it",
    withGit(() =>
      Effect.gen(function* () {
        const executable = (content: string): Files => ({ "package.json": { content, executable: true } })
        for (const modes of [
          { ours: executable(upstream2), theirs: { "package.json": fork1 } },
          { ours: { "package.json": upstream2 }, theirs: executable(fork1) }
        ]) {
          const repo = yield* makeManifestFork({ base: renameBesideBump.base, ...modes })
          const result = yield* rebuiltIn(repo.directory)
          expect(yield* repo.git("ls-tree", "--format=%(objectmode)", result.tip)).toBe("100755")
          expect(yield* repo.git("show", `${result.tip}:package.json`)).toBe(fork2.trimEnd())
        }
      })
    )
  )

  test(
    "is merged where upstream moved the file",
    withGit(() =>
      Effect.gen(function* () {
        const long = Array.from({ length: 20 }, (_, at) => `  "key${at}": ${at},`)
        const repo = yield* makeManifestFork({
          base: { "old/package.json": manifest("up", "1.0.0", ...long) },
          ours: { "old/package.json": null, "new/package.json": manifest("up", "2.0.0", ...long) },
          theirs: { "old/package.json": manifest("@fork/up", "1.0.0", ...long) }
        })
        const result = yield* rebuiltIn(repo.directory)
        expect(structuredOf(result)).toEqual([["new/package.json"]])
        expect(yield* repo.git("ls-tree", "-r", "--name-only", result.tip)).toBe("new/package.json")
        expect(yield* repo.git("show", `${result.tip}:new/package.json`)).toBe(
          manifest("@fork/up", "2.0.0", ...long).trimEnd()
        )
      })
    )
  )

  test(
    "goes on with the next patch on the merged tree, and leaves out a commit that changes nothing by then",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeManifestFork(renameBesideBump)
        yield* repo.git("switch", "--quiet", "-c", "patch/next", "v1")
        yield* repo.commit("Publish as the fork, again", { "package.json": fork1, "next.txt": "1\n" })
        yield* repo.git("switch", "--quiet", "-c", "patch/once-more", "v1")
        yield* repo.commit("Publish as the fork, once more", { "package.json": fork1 })
        yield* repo.git("switch", "--quiet", "main")
        const result = yield* rebuiltIn(repo.directory)
        expect(result.applied.map(({ patch }) => patch)).toEqual(["patch/name", "patch/next"])
        expect(result.dropped.map(({ patch, reason }) => [patch, reason])).toEqual([
          ["patch/once-more", "empty"]
        ])
        expect(yield* repo.git("show", `${result.tip}:package.json`)).toBe(fork2.trimEnd())
        expect(yield* repo.git("show", `${result.tip}:next.txt`)).toBe("1")
      })
    )
  )

  test(
    "is a conflict with the option off, and other names can be given",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeManifestFork({
          base: { "deno.json": upstream1 },
          ours: { "deno.json": upstream2 },
          theirs: { "deno.json": fork1 }
        })
        const conflict = yield* conflictAsBefore(repo.directory)
        expect(conflict.files.map(({ path, kind }) => [path, kind])).toEqual([["deno.json", "content"]])
        expect((yield* rebuildIn(repo.directory, { structuredFiles: ["package.json"] }))._tag).toBe(
          "Conflicted"
        )
        const result = yield* rebuiltIn(repo.directory, { structuredFiles: ["deno.json"] })
        expect(structuredOf(result)).toEqual([["deno.json"]])
      })
    )
  )

  test(
    "says nothing about a manifest that git merges itself; records without the field decode",
    withGit(() =>
      Effect.gen(function* () {
        const apart = Array.from({ length: 8 }, (_, at) => `  "key${at}": ${at},`)
        const repo = yield* makeManifestFork({
          base: { "package.json": manifest("up", "1.0.0", ...apart) },
          ours: { "package.json": manifest("up", "2.0.0", ...apart) },
          theirs: { "package.json": manifest("up", "1.0.0", ...apart, '  "private": true,') }
        })
        const result = yield* rebuiltIn(repo.directory)
        expect(structuredOf(result)).toEqual([[]])
        const { from, to, subject } = result.applied[0]?.commits[0] ?? {}
        const old = yield* Schema.decodeUnknown(AppliedCommit)({ from, to, subject })
        expect(old.structured).toEqual([])
      })
    )
  )
})
