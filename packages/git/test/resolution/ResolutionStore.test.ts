/** The ref of resolutions: what goes in comes out, writers do not lose each other's, and hostile content stays where it is. */
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import { openRepository } from "../../src/Repository.ts"
import { type Resolution, resolutionIdOf, resolutionKeyOf } from "../../src/resolution/Resolution.ts"
import {
  addChecks,
  deleteResolution,
  readResolutions,
  storeResolutions
} from "../../src/resolution/ResolutionStore.ts"
import { resolutionsRef } from "../../src/resolution/ResolutionTree.ts"
import { makeResolver } from "../../src/resolution/Resolver.ts"
import type { TempRepo } from "../../src/testing/TempRepo.ts"
import { conflictIn, makeClash, rebuildClash } from "../conflict/fork.ts"
import { numbered, withGit } from "../support.ts"
import { ada, resolutionOf, storeOne } from "./resolving.ts"

// Real git on a busy machine; the helper sets this for the file that loads it first only.
setDefaultTimeout(60_000)

const setup = Effect.gen(function* () {
  const repo = yield* makeClash()
  const repository = yield* openRepository({ directory: repo.directory })
  return { repo, repository, conflict: yield* conflictIn(repo.directory) }
})

const merged = numbered(9, { 5: "both" })

test(
  "store, read, the history, the same again, checks, delete",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, conflict } = yield* setup
      expect(yield* readResolutions({ repository })).toEqual({ resolutions: [], issues: [] })
      const given = yield* resolutionOf(repo, conflict, merged, { how: "agent", note: "took both" })
      const id = yield* storeOne(repository, given)
      expect<string>(id).toBe(resolutionIdOf(given.resolution))
      expect((yield* readResolutions({ repository })).resolutions).toEqual([
        { id, resolution: given.resolution }
      ])
      expect(yield* repo.git("log", "--format=%an %ae %at %s", resolutionsRef)).toBe(
        "Ada ada@example.com 1700000000 Resolve a.txt for patch/clash"
      )
      const tip = yield* repo.git("rev-parse", resolutionsRef)
      const later = { ...given, resolution: { ...given.resolution, date: 1_800_000_000 } }
      expect(yield* storeOne(repository, later)).toBe(id)
      expect(yield* repo.git("rev-parse", resolutionsRef)).toBe(tip)
      const tree = conflict.files[0]?.base?.oid
      const checks = tree === undefined ? [] : [{ name: "bun test", tree, date: 1_700_000_100 }]
      const by = { repository, author: ada, date: 1_700_000_100 }
      expect<unknown>(yield* addChecks({ ...by, ids: [id, "other"], checks })).toEqual([id])
      expect(yield* addChecks({ ...by, ids: [id], checks })).toEqual([])
      expect((yield* readResolutions({ repository })).resolutions[0]).toMatchObject({
        id,
        resolution: { checks }
      })
      expect(yield* deleteResolution({ ...by, id })).toBe(true)
      expect(yield* deleteResolution({ ...by, id })).toBe(false)
      expect(yield* deleteResolution({ ...by, id: "../../x" })).toBe(false)
      expect((yield* readResolutions({ repository })).resolutions).toEqual([])
      expect(yield* repo.git("rev-list", "--count", resolutionsRef)).toBe("3")
      expect(yield* repo.git("status", "--porcelain")).toBe("")
    })
  )
)

test(
  "what is refused: conflict markers, a file that is too large, a form that is wrong",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, conflict } = yield* setup
      const refused = (text: string | null, more: Parameters<typeof resolutionOf>[3] = {}) =>
        Effect.gen(function* () {
          const given = yield* resolutionOf(repo, conflict, text, more)
          return yield* Effect.flip(storeResolutions({ repository, resolutions: [given] }))
        })
      expect(yield* refused(conflict.files[0]?.markedText ?? "")).toMatchObject({
        _tag: "ResolutionRefused",
        path: "a.txt",
        message: "The resolution of a.txt is not stored: it still has conflict markers"
      })
      expect((yield* refused("x".repeat(17 * 1024 * 1024))).message).toContain("bytes")
      const given = yield* resolutionOf(repo, conflict, merged)
      const odd = { ...given, resolution: { ...given.resolution, path: "../../etc/passwd" } }
      expect((yield* Effect.flip(storeResolutions({ repository, resolutions: [odd] }))).message).toContain(
        "form"
      )
      const without = { ...given, content: null }
      expect(
        (yield* Effect.flip(storeResolutions({ repository, resolutions: [without] }))).message
      ).toContain("content")
      expect(yield* repo.git("for-each-ref", resolutionsRef)).toBe("")
    })
  )
)

test(
  "writers side by side lose nothing",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, conflict } = yield* setup
      const texts = Array.from({ length: 6 }, (_, at) => `writer ${at}\n`)
      const ids = yield* Effect.forEach(
        texts,
        (text) => Effect.flatMap(resolutionOf(repo, conflict, text), (given) => storeOne(repository, given)),
        { concurrency: "unbounded" }
      )
      const read = yield* readResolutions({ repository })
      expect(new Set(read.resolutions.map(({ id }) => id))).toEqual(new Set(ids))
      expect(read.issues).toEqual([])
      expect(yield* repo.git("rev-list", "--count", resolutionsRef)).toBe("6")
    })
  )
)

describe("a ref of somebody else", () => {
  /** Writes `<key>/<id>/` with these files and lets the ref point to it. */
  const put = (repo: TempRepo, key: string, id: string, files: Readonly<Record<string, string>>) =>
    Effect.gen(function* () {
      const tree = (lines: ReadonlyArray<string>) =>
        repo.run({ args: ["mktree", "-z", "--missing"], stdin: lines.map((line) => `${line}\0`).join("") })
      const lines = yield* Effect.forEach(Object.entries(files), ([name, text]) =>
        Effect.map(
          repo.run({ args: ["hash-object", "-w", "--stdin"], stdin: text }),
          (blob) => `100644 blob ${blob}\t${name}`
        )
      )
      const folder = yield* tree([`040000 tree ${yield* tree(lines)}\t${id}`])
      const commit = yield* repo.git("commit-tree", "-m", "x", yield* tree([`040000 tree ${folder}\t${key}`]))
      yield* repo.git("update-ref", resolutionsRef, commit)
    })

  const oid = "1".repeat(40)
  const cases: ReadonlyArray<
    readonly [string, (given: Resolution) => Record<string, unknown>, { id?: string }?]
  > = [
    ["a path that leaves the tree", () => ({ path: "../../.ssh/authorized_keys" })],
    ["a path inside .git", () => ({ path: "x/.GIT/hooks/post-checkout" })],
    ["a mode that git does not know", () => ({ result: { oid, mode: "100777" } })],
    ["a result that is an option", () => ({ result: { oid: "--output=/tmp/x", mode: "100644" } })],
    ["a content that is another one", () => ({ result: { oid, mode: "100644" } })],
    ["an author that breaks the line", () => ({ author: { name: "A\nparent x", email: "" } })],
    ["a date that is no number", () => ({ date: "now" })],
    ["more checks than there may be", () => ({ checks: Array(200).fill({ name: "x", tree: oid, date: 1 }) })],
    ["a text that is too long", () => ({ note: "x".repeat(100_000) })],
    ["an id of another one", () => ({}), { id: "2".repeat(32) }],
    ["versions of another conflict", () => ({ base: null })],
    ["a version that nobody knows", () => ({ version: 2 })]
  ]

  test(
    "records that are no resolutions are issues, and the conflict stands",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict } = yield* setup
        const { resolution } = yield* resolutionOf(repo, conflict, merged)
        const key = resolutionKeyOf(resolution)
        const answers = (
          change: (given: Resolution) => Record<string, unknown>,
          more: { id?: string } = {}
        ) =>
          Effect.gen(function* () {
            const changed = { ...resolution, ...change(resolution) }
            const id = more.id ?? resolutionIdOf(changed as Resolution)
            const json = JSON.stringify(changed)
            yield* put(repo, key, id, { "resolution.json": json, content: merged })
            const answer = yield* makeResolver({ repository }).resolve({
              repository,
              ...{ patch: conflict.patch, commit: conflict.commit, files: conflict.files, env: {} },
              write: () => Effect.dieMessage("nothing is written")
            })
            return { read: yield* readResolutions({ repository }), answer }
          })
        // The same folder with honest content is used, so that the refusals below mean something.
        const honest = yield* answers(() => ({}))
        expect(honest.read.issues).toEqual([])
        expect(honest.answer?.files).toHaveLength(1)
        for (const [name, change, more] of cases) {
          const { answer, read } = yield* answers(change, more)
          expect([name, answer, read.resolutions, read.issues.length]).toEqual([name, null, [], 1])
          expect(read.issues[0]?.detail.length).toBeLessThanOrEqual(500)
        }
        const link = yield* answers(({ result }) => ({ result: { ...result, mode: "120000" } }))
        expect(link.read.resolutions).toHaveLength(1)
        // A link is used only in a conflict that has one.
        expect(link.answer).toBeNull()
        const text = "<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n"
        const marked = yield* resolutionOf(repo, conflict, text)
        const files = { "resolution.json": JSON.stringify(marked.resolution), content: text }
        yield* put(repo, key, resolutionIdOf(marked.resolution), files)
        const resolver = makeResolver({ repository })
        expect((yield* rebuildClash(repo.directory, { resolver }))._tag).toBe("Conflicted")
      })
    )
  )

  test(
    "a ref that is no tree, a folder that is none, and a great many of them",
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict } = yield* setup
        const resolver = makeResolver({ repository })
        const tagOf = Effect.map(rebuildClash(repo.directory, { resolver }), ({ _tag }) => _tag)
        yield* repo.git("update-ref", resolutionsRef, "main:a.txt")
        expect(yield* readResolutions({ repository })).toMatchObject({
          resolutions: [],
          issues: [{ place: "" }]
        })
        expect(yield* tagOf).toBe("Conflicted")
        yield* repo.git("update-ref", resolutionsRef, "main")
        expect((yield* readResolutions({ repository })).issues.map(({ place }) => place)).toEqual([
          "a.txt",
          "b.txt"
        ])
        // Writing beside it keeps what is there, and works.
        yield* storeOne(repository, yield* resolutionOf(repo, conflict, merged))
        expect(yield* tagOf).toBe("Rebuilt")
        const { resolution } = yield* resolutionOf(repo, conflict, merged)
        const key = resolutionKeyOf(resolution)
        const empty = yield* repo.run({ args: ["mktree"], stdin: "" })
        const ids = Array.from({ length: 40 }, (_, at) => at.toString(16).padStart(32, "0"))
        const lines = ids.map((id) => `040000 tree ${empty}\t${id}\n`).join("")
        const folder = yield* repo.run({ args: ["mktree"], stdin: lines })
        const keys = Array.from(
          { length: 10_050 },
          (_, at) => `none-none-${at.toString(16).padStart(40, "0")}`
        )
        const roots = [key, ...keys].map((name) => `040000 tree ${folder}\t${name}\n`).join("")
        const root = yield* repo.run({ args: ["mktree"], stdin: roots })
        yield* repo.git("update-ref", resolutionsRef, yield* repo.git("commit-tree", "-m", "x", root))
        expect(yield* tagOf).toBe("Conflicted")
        const given = yield* resolutionOf(repo, conflict, merged)
        const refused = yield* Effect.flip(storeResolutions({ repository, resolutions: [given] }))
        expect(refused._tag).toBe("ResolutionRefused")
      })
    )
  )
})
