import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { parseBranch, parseRef, parseRemote, parseRevision, parseTag } from "../src/GitName.ts"
import { makeTempRepo } from "../src/testing/TempRepo.ts"
import { withGit } from "./support.ts"

const branches = [
  "main",
  "patch/one",
  "a.b",
  "release/1.2",
  "ünï",
  "x@y",
  "",
  "-x",
  "a..b",
  "a//b",
  "/a",
  "a/",
  "a.lock",
  "a.lock/b",
  ".a",
  "a/.b",
  "a.",
  "a b",
  "a\tb",
  "a\u0001b",
  "a~b",
  "a^b",
  "a:b",
  "a?b",
  "a*b",
  "a[b",
  "a\\b",
  "a@{b"
]

describe("names", () => {
  test(
    "branches are judged as git check-ref-format judges them",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeTempRepo()
        for (const name of branches) {
          const args = ["check-ref-format", "--branch", name]
          const git = yield* repo.run({ args }).pipe(Effect.isSuccess)
          expect({ name, ok: Either.isRight(parseBranch(name)) }).toEqual({ name, ok: git })
        }
      })
    )
  )

  test("remotes are names of remotes, never options or URLs", () => {
    for (const name of ["origin", "upstream", "my.fork"]) expect(Either.isRight(parseRemote(name))).toBe(true)
    for (const name of [
      "--upload-pack=touch x",
      "-u",
      "https://h/x",
      "../x",
      "ext::sh -c x",
      ".",
      "a/b",
      ""
    ]) {
      expect(Either.isLeft(parseRemote(name))).toBe(true)
    }
  })

  test("revisions name one commit, without ranges, paths and searches", () => {
    for (const name of ["HEAD", "@", "v1^{commit}", "main~2", "main^", "refs/tags/a/b", "0".repeat(40)]) {
      expect(Either.isRight(parseRevision(name))).toBe(true)
    }
    for (const name of [
      "a..b",
      "^main",
      "main:file",
      ":/text",
      "main^{/text}",
      "--all",
      "main@{yesterday}",
      "a\nb",
      "~1"
    ]) {
      expect(Either.isLeft(parseRevision(name))).toBe(true)
    }
  })

  test("errors quote the name as it was given and say why", () => {
    const refused = Either.flip(parseTag("a..b")).pipe(Either.getOrThrow)
    expect(refused.message).toBe('"a..b" is not a usable tag name: it contains two dots in a row')
    expect(Either.isLeft(parseRef("heads/main"))).toBe(true)
    expect(Either.isLeft(parseBranch("x".repeat(2_000)))).toBe(true)
  })
})
