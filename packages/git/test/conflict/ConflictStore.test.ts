/** Conflicts as refs: stored, read, listed, deleted, pushed, kept by gc; and what is not one is an issue. */
import { describe, expect, setDefaultTimeout, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { conflictsPrefix } from "../../src/conflict/ConflictRecord.ts"
import {
  deleteConflict,
  listConflicts,
  readConflict,
  storeConflict
} from "../../src/conflict/ConflictStore.ts"
import { Conflict } from "../../src/patch/Conflict.ts"
import { openRepository } from "../../src/Repository.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { numbered, withGit } from "../support.ts"
import { conflictIn, makeClash } from "./fork.ts"

// Real git on a busy machine; the helper sets this for the file that loads it first only.
setDefaultTimeout(60_000)

const stored = (objectFormat: "sha1" | "sha256" = "sha1") =>
  Effect.gen(function* () {
    const repo = yield* makeClash({ objectFormat })
    const conflict = yield* conflictIn(repo.directory)
    const repository = yield* openRepository({ directory: repo.directory })
    return { repo, repository, conflict, place: yield* storeConflict({ repository, conflict }) }
  })

describe("what a conflict tells", () => {
  test(
    "the upstream commits that touched the lines, and only those; the patch's own message",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeClash({
          releases: [
            { "a.txt": numbered(9, { 5: "first" }) },
            { "b.txt": numbered(9, { 5: "elsewhere" }) },
            { "a.txt": numbered(9, { 5: "second" }) },
            { "a.txt": numbered(9, { 5: "second", 9: "far away" }) }
          ]
        })
        const conflict = yield* conflictIn(repo.directory)
        const [file] = conflict.files
        expect(file?.touchedBy.map(({ subject }) => subject)).toEqual(["release 3", "release 1"])
        expect(file?.touchedBy[0]).toMatchObject({
          commit: yield* repo.git("rev-parse", "main~1"),
          author: "Ada Author",
          date: "2023-11-14T23:18:20+01:00"
        })
        expect(file?.touchedByComplete).toBe(true)
        expect(conflict).toMatchObject({ body: "Why clash is carried.", purpose: null })
        expect<string | null>(conflict.onto).toBe(yield* repo.git("rev-parse", "main"))
      })
    )
  )

  test(
    "lines that upstream deleted, a file that upstream deleted, and more commits than a record names",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeClash({
          base: { "a.txt": numbered(9), "gone.txt": numbered(9), "busy.txt": numbered(9) },
          patches: {
            clash: [
              {
                "a.txt": numbered(9, { 5: "patch" }),
                "gone.txt": numbered(9, { 5: "patch" }),
                "busy.txt": numbered(9, { 5: "patch" })
              }
            ]
          },
          releases: [
            { "a.txt": numbered(9).replace("line 5\n", "") },
            { "gone.txt": null },
            ...Array.from({ length: 22 }, (_, at) => ({ "busy.txt": numbered(9, { 5: `busy ${at}` }) }))
          ]
        })
        const conflict = yield* conflictIn(repo.directory)
        const [first, busy, gone] = conflict.files
        expect(first?.touchedBy.map(({ subject }) => subject)).toEqual(["release 1"])
        expect(gone?.kind).toBe("modify/delete")
        expect(gone?.touchedBy.map(({ subject }) => subject)).toEqual(["release 2"])
        expect(busy?.touchedBy).toHaveLength(20)
        expect(busy?.touchedByComplete).toBe(false)
      })
    )
  )

  test(
    "the purpose that the patch's contract names",
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeClash({ purpose: "Keep the clash." })
        const conflict = yield* conflictIn(repo.directory)
        expect(conflict.purpose).toBe("Keep the clash.")
        expect(conflict.body).toStartWith("Why clash is carried.")
      })
    )
  )

  test("records from before these fields are read", () => {
    const old = {
      patch: "patch/x",
      commit: "a".repeat(40),
      subject: "x",
      files: [
        {
          path: "a",
          pathBase64: null,
          kind: "content",
          base: null,
          ours: null,
          theirs: null,
          markedText: null,
          truncated: false,
          markedTextStart: 0
        }
      ],
      filesOmitted: 0,
      messages: []
    }
    const read = Schema.decodeUnknownSync(Conflict)(old)
    expect(read).toMatchObject({ body: "", purpose: null, onto: null })
    expect(read.files[0]).toMatchObject({ touchedBy: [], touchedByComplete: true, resolutions: [] })
  })
})

// More formats of objects take time and are one code: the end-to-end test of resolving has both.
for (const objectFormat of process.env["TEST_LONG"] === "1"
  ? (["sha1", "sha256"] as const)
  : (["sha256"] as const)) {
  test(
    `stored, read, listed and deleted (${objectFormat}); storing again changes nothing`,
    withGit(() =>
      Effect.gen(function* () {
        const { repo, repository, conflict, place } = yield* stored(objectFormat)
        expect(place.missing).toEqual([])
        expect(yield* readConflict({ repository, id: place.id })).toEqual({
          _tag: "StoredConflict",
          ...{ id: place.id, ref: place.ref, record: place.record, conflict }
        })
        expect(yield* storeConflict({ repository, conflict })).toEqual(place)
        const told = { ...conflict, purpose: "told later" }
        expect((yield* storeConflict({ repository, conflict: told })).id).toBe(place.id)
        const listed = yield* listConflicts({ repository })
        expect(listed).toMatchObject({ conflicts: [{ conflict: told }], issues: [], omitted: 0 })
        expect(yield* deleteConflict({ repository, id: place.id })).toBe(true)
        expect(yield* deleteConflict({ repository, id: place.id })).toBe(false)
        expect(yield* readConflict({ repository, id: place.id })).toBeNull()
        expect(yield* readConflict({ repository, id: "--upload-pack=x" })).toBeNull()
        expect(yield* repo.git("status", "--porcelain")).toBe("")
      })
    )
  )
}

test(
  "the record and every version travel with a push, and survive gc there",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, conflict, place } = yield* stored()
      const far = yield* makeTempRepo({ bare: true })
      yield* repo.git("push", "--quiet", `file://${far.directory}`, `${conflictsPrefix}*:${conflictsPrefix}*`)
      yield* far.git("gc", "--quiet", "--prune=now")
      const repository = yield* openRepository({ directory: far.directory })
      expect(yield* readConflict({ repository, id: place.id })).toMatchObject({ conflict })
      for (const side of [conflict.files[0]?.base, conflict.files[0]?.ours, conflict.files[0]?.theirs]) {
        expect(yield* far.git("cat-file", "-t", side?.oid ?? "")).toBe("blob")
      }
      // The history of the fork did not travel with it.
      expect(yield* far.git("rev-list", "--all", "--count")).toBe("1")
    })
  )
)

test(
  "a version that only the rebuild had made is named as missing",
  withGit(() =>
    Effect.gen(function* () {
      const repo = yield* makeClash({
        patches: {
          before: [{ "a.txt": numbered(9, { 9: "before" }) }],
          clash: [{ "a.txt": numbered(9, { 5: "patch" }) }]
        }
      })
      const conflict = yield* conflictIn(repo.directory)
      const repository = yield* openRepository({ directory: repo.directory })
      const place = yield* storeConflict({ repository, conflict })
      expect<ReadonlyArray<string | undefined>>(place.missing).toEqual([conflict.files[0]?.ours?.oid])
      expect(yield* readConflict({ repository, id: place.id })).toMatchObject({ conflict })
    })
  )
)

test(
  "what somebody else put there instead of a record is an issue, and the others are listed",
  withGit(() =>
    Effect.gen(function* () {
      const { repo, repository, place } = yield* stored()
      const put = (digit: string, target: string) =>
        repo.git("update-ref", `${conflictsPrefix}${digit.repeat(32)}`, target)
      const commitOf = (text: string) =>
        Effect.gen(function* () {
          const blob = yield* repo.run({ args: ["hash-object", "-w", "--stdin"], stdin: text })
          const tree = yield* repo.run({ args: ["mktree"], stdin: `100644 blob ${blob}\tconflict.json\n` })
          return yield* repo.git("commit-tree", "-m", "x", tree)
        })
      yield* put("1", yield* commitOf("{"))
      yield* put("2", yield* commitOf('{"version":1,"conflict":{"patch":7}}'))
      yield* put("3", place.record)
      yield* put("4", "main")
      yield* put("5", yield* repo.git("rev-parse", "main:a.txt"))
      yield* put("6", yield* commitOf("x".repeat(17 * 1024 * 1024)))
      yield* repo.git("update-ref", `${conflictsPrefix}odd/name`, place.record)
      const { conflicts, issues } = yield* listConflicts({ repository })
      expect(conflicts.map(({ id }) => id)).toEqual([place.id])
      expect(issues.map(({ ref }) => ref.slice(conflictsPrefix.length, conflictsPrefix.length + 3))).toEqual([
        "111",
        "222",
        "333",
        "444",
        "555",
        "666",
        "odd"
      ])
      expect(issues.every(({ detail }) => detail.length > 0 && detail.length <= 500)).toBe(true)
      expect(yield* readConflict({ repository, id: "1".repeat(32) })).toMatchObject({ _tag: "ConflictIssue" })
    })
  )
)
