/** A file put into a tree gives the tree that git writes, whatever stands around it. */
import { expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { Git } from "../../src/Git.ts"
import { parseObjectId } from "../../src/GitName.ts"
import { makeTempRepo } from "../../src/testing/TempRepo.ts"
import { parseTree, withEntry } from "../../src/transport/treeObject.ts"
import { withGit } from "../support.ts"

const names = ["a", "a.b", "a-b", "a0", "ab", "é", "A", "Z", "_", "a b", "\u{1f600}", "zz", "a,b", "b"]

test(
  "sorts like git, folders as if they ended in a slash",
  withGit(() =>
    Effect.gen(function* () {
      const git = yield* Git
      const repo = yield* makeTempRepo()
      const blob = yield* repo.run({ args: ["hash-object", "-w", "--stdin"], stdin: "x" })
      const folder = yield* repo.run({ args: ["mktree"], stdin: `100644 blob ${blob}\tinner\n` })
      const treeOf = Effect.fnUntraced(function* (entries: ReadonlyArray<readonly [string, boolean]>) {
        const lines = entries.map(([name, isFolder]) =>
          isFolder ? `040000 tree ${folder}\t${name}\0` : `100644 blob ${blob}\t${name}\0`
        )
        const id = yield* repo.run({ args: ["mktree", "-z"], stdin: lines.join("") })
        const raw = yield* git.run({ args: ["cat-file", "tree", id], cwd: repo.directory })
        return Buffer.from(raw.stdout)
      })
      const mixed = names.map((name, at): readonly [string, boolean] => [name, at % 3 === 0])
      const whole = yield* treeOf(mixed)
      for (const [name, isFolder] of mixed) {
        const without = yield* treeOf(mixed.filter(([other]) => other !== name))
        const oid = Either.getOrThrow(parseObjectId(isFolder ? folder : blob))
        const entry = { mode: isFolder ? "40000" : "100644", name, oid }
        expect(withEntry("sha1", without, entry).equals(whole)).toBe(true)
        // Once more: an entry of the same name is replaced.
        expect(withEntry("sha1", whole, entry).equals(whole)).toBe(true)
      }
      expect(parseTree("sha1", whole).length).toBe(names.length)
      for (let end = 1; end < whole.length; end += 7) {
        try {
          expect(parseTree("sha1", whole.subarray(0, end)).length).toBeLessThan(names.length)
        } catch (cause) {
          expect(cause).toBeInstanceOf(RangeError)
        }
      }
    })
  )
)

test("keeps names that are not UTF-8 to the byte", () => {
  const oid = Buffer.alloc(20, 7)
  const odd = Buffer.concat([Buffer.from("100644 "), Buffer.from([0xff, 0xfe]), Buffer.from([0]), oid])
  const entry = { mode: "100644", name: "plain", oid: Either.getOrThrow(parseObjectId(oid.toString("hex"))) }
  const tree = withEntry("sha1", odd, entry)
  expect(tree.indexOf(odd)).toBeGreaterThan(0)
  expect(tree.length).toBe(odd.length + "100644 plain".length + 21)
})
