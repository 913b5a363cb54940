import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { withGit } from "../support.ts"
import {
  conflictAsBefore,
  fork1,
  makeManifestFork,
  manifest,
  renameBesideBump,
  upstream1,
  upstream2
} from "./manifests.ts"

describe("the conflict record is the one of git's merge", () => {
  const cases: ReadonlyArray<
    readonly [string, Parameters<typeof makeManifestFork>[0], ReadonlyArray<string>]
  > = [
    [
      "for one key changed on both sides",
      { ...renameBesideBump, ours: { "package.json": manifest("renamed", "2.0.0") } },
      ["package.json"]
    ],
    [
      "for a key removed on one side and changed on the other",
      { ...renameBesideBump, ours: { "package.json": upstream2.replace('  "name": "up",\n', "") } },
      ["package.json"]
    ],
    [
      "for an array changed on both sides",
      {
        base: { "package.json": manifest("up", "1.0.0", '  "files": ["a"],') },
        ours: { "package.json": manifest("up", "1.0.0", '  "files": ["a", "b"],') },
        theirs: { "package.json": manifest("up", "1.0.0", '  "files": ["a", "c"],') }
      },
      ["package.json"]
    ],
    [
      "for a manifest together with another file",
      {
        base: { "a.txt": "1\n", "package.json": upstream1 },
        ours: { "a.txt": "2\n", "package.json": upstream2 },
        theirs: { "a.txt": "3\n", "package.json": fork1 }
      },
      ["a.txt", "package.json"]
    ],
    [
      "for two manifests of which one cannot be merged",
      {
        base: { "a/package.json": upstream1, "package.json": upstream1 },
        ours: { "a/package.json": manifest("x", "2.0.0"), "package.json": upstream2 },
        theirs: { "a/package.json": fork1, "package.json": fork1 }
      },
      ["a/package.json", "package.json"]
    ],
    [
      "for a side that is no JSON",
      { ...renameBesideBump, ours: { "package.json": upstream2.replace(",\n", "\n") } },
      ["package.json"]
    ],
    [
      "for a removed manifest",
      { ...renameBesideBump, ours: { "package.json": null, x: "x" } },
      ["package.json"]
    ],
    ["for a manifest added on both sides", { ...renameBesideBump, base: { x: "x" } }, ["package.json"]],
    [
      "for a manifest that is a link on one side",
      { ...renameBesideBump, ours: { "package.json": { symlink: "elsewhere" } } },
      ["package.json", "package.json~"]
    ],
    [
      "for links whose targets happen to be JSON",
      {
        base: { "package.json": { symlink: '{"a":1,"b":1}' } },
        ours: { "package.json": { symlink: '{"a":2,"b":1}' } },
        theirs: { "package.json": { symlink: '{"a":1,"b":2}' } }
      },
      ["package.json"]
    ],
    [
      "for a manifest that an attribute calls binary",
      { ...renameBesideBump, base: { ...renameBesideBump.base, ".gitattributes": "package.json binary\n" } },
      ["package.json"]
    ]
  ]
  test.each(cases)("%s", (_, given, paths) =>
    withGit(() =>
      Effect.gen(function* () {
        const repo = yield* makeManifestFork(given)
        const objects = yield* repo.git("count-objects")
        for (const engine of ["stream", "process"] as const) {
          const conflict = yield* conflictAsBefore(repo.directory, { engine })
          // Git puts the id of a throw-away commit behind a name that two kinds of file want.
          expect(conflict.files.map(({ path }) => path.replace(/~.*/, "~"))).toEqual([...paths])
        }
        expect(yield* repo.git("count-objects")).toBe(objects)
      })
    )()
  )
})
