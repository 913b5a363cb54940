import { describe, expect, test } from "bun:test"
import { mergeJson } from "../../src/internal/jsonMerge.ts"

const manifest = `{
  "name": "upstream",
  "version": "1.0.0",
  "files": ["src", "dist"],
  "exports": {
    "types": "./index.d.ts",
    "default": "./index.js"
  },
  "dependencies": {
    "alpha": "1.0.0",
    "omega": "1.0.0"
  }
}
`

type Change = readonly [from: string, to: string]

const changed = (text: string, ...changes: ReadonlyArray<Change>): string => {
  for (const [from] of changes) if (!text.includes(from)) throw new Error(`nothing to change: ${from}`)
  return changes.reduce((now, [from, to]) => now.replace(from, to), text)
}

const merged = (base: string, ours: string, theirs: string) =>
  mergeJson({ base: Buffer.from(base), ours: Buffer.from(ours), theirs: Buffer.from(theirs) })

const rename: Change = ['"upstream"', '"@fork/upstream"']
const bump: Change = ['"1.0.0"', '"2.0.0"']

/** The manifest with these changes of each side. */
const mergedChanges = (ours: ReadonlyArray<Change>, theirs: ReadonlyArray<Change>) =>
  merged(manifest, changed(manifest, ...ours), changed(manifest, ...theirs))

describe("the text that comes out is the one a person would write", () => {
  test("a rename next to a version", () => {
    expect(mergedChanges([bump], [rename])).toBe(changed(manifest, rename, bump))
  })

  test.each<readonly [string, (text: string) => string]>([
    ["tabs", (text) => text.replaceAll("  ", "\t")],
    ["four spaces", (text) => text.replaceAll("  ", "    ")],
    ["CRLF", (text) => text.replaceAll("\n", "\r\n")],
    ["no line feed at the end", (text) => text.trimEnd()]
  ])("%s of ours stay and hold for what is new, however the patch is written", (_, like) => {
    const added: Change = [
      '  "exports"',
      '  "publishConfig": {\n    "tags": ["a", "b"],\n    "deep": {\n      "x": 1\n    }\n  },\n  "exports"'
    ]
    const theirs = changed(manifest, rename, added)
    const ours = changed(like(manifest), bump)
    const expected = changed(like(theirs), bump)
    expect(merged(like(manifest), ours, theirs)).toBe(expected)
    expect(merged(manifest, ours, like(theirs))).toBe(expected)
    expect(merged(manifest, changed(manifest, bump), like(theirs))).toBe(changed(theirs, bump))
  })

  test("spaces around colons and before commas stay", () => {
    const like = (text: string) => text.replaceAll('":', '" :').replaceAll(",", " ,")
    const removed: Change = ['    "alpha": "1.0.0",\n', ""]
    const ours = changed(like(manifest), bump)
    expect(merged(manifest, ours, changed(manifest, rename))).toBe(changed(ours, rename))
    expect(merged(manifest, like(changed(manifest, rename)), changed(manifest, removed))).toBe(
      like(changed(manifest, rename, removed))
    )
  })

  test("what stands on one line stays on one line", () => {
    const base = '{"name":"a","version":"1","x":{"k":1}}'
    expect(
      merged(
        base,
        changed(base, ['"1"', '"2"']),
        '{\n  "name": "b",\n  "x": {\n    "k": 1,\n    "l": {\n      "m": 2\n    }\n  },\n  "version": "1"\n}'
      )
    ).toBeNull()
    const theirs =
      '{\n  "name": "b",\n  "version": "1",\n  "x": {\n    "k": 1,\n    "l": {\n      "m": 2\n    }\n  }\n}\n'
    expect(merged(base, changed(base, ['"1"', '"2"']), theirs)).toBe(
      '{"name":"b","version":"2","x":{"k":1,"l": {"m": 2}}}'
    )
  })

  test("dependencies added on both sides at one place stay sorted", () => {
    const add = (...names: ReadonlyArray<string>): Change => [
      '"alpha": "1.0.0",',
      ['"alpha": "1.0.0",', ...names.map((name) => `"${name}": "3.0.0",`)].join("\n    ")
    ]
    expect(mergedChanges([add("beta", "delta")], [add("gamma")])).toBe(
      changed(manifest, add("beta", "delta", "gamma"))
    )
    expect(mergedChanges([add("delta")], [add("beta", "gamma")])).toBe(
      changed(manifest, add("beta", "delta", "gamma"))
    )
  })

  test("keys added first, last, and to an empty object", () => {
    const first: Change = ["{\n", '{\n  "$schema": "s",\n']
    const last: Change = ['    "omega": "1.0.0"\n  }\n', '    "omega": "1.0.0"\n  },\n  "private": true\n']
    expect(mergedChanges([rename], [first, last])).toBe(changed(manifest, rename, first, last))
    expect(merged("{}\n", '{\n  "a": 1\n}\n', '{\n  "b": 2\n}\n')).toBe('{\n  "a": 1,\n  "b": 2\n}\n')
  })

  test("keys of upstream alone around those that the patch adds, in an object that is not sorted", () => {
    const base = '{ "m": 1, "k": 1 }'
    expect(
      merged(base, '{ "z": 1, "m": 1, "y": 1, "k": 1, "x": 1 }', '{ "a": 2, "m": 1, "b": 2, "k": 1, "c": 2 }')
    ).toBe('{ "z": 1, "a": 2, "m": 1, "b": 2, "y": 1, "k": 1, "c": 2, "x": 1 }')
    expect(merged(base, '{ "z": 1, "y": 1 }', '{ "b": 2, "m": 1, "k": 1, "a": 2 }')).toBe(
      '{ "z": 1, "y": 1, "b": 2, "a": 2 }'
    )
  })

  test("on one line, what becomes the first key and what no longer is one take the spaces of their new place", () => {
    const base = '{"m": 1, "k": 1}'
    expect(merged(base, '{"m": 2, "k": 1}', '{"z": 3, "m": 1, "k": 1}')).toBe('{"z": 3, "m": 2, "k": 1}')
    expect(merged(base, '{"m": 1, "k": 2}', '{"k": 1}')).toBe('{"k": 2}')
    expect(merged('{"m": 1}', '{"m": 2}', '{"z": 3, "m": 1}')).toBe('{"z": 3, "m": 2}')
  })

  test("as many keys as the limit admits are merged in one pass", () => {
    const keys = (name: string, count: number) =>
      Array.from({ length: count }, (_, at) => `"${name}${at}":1`).join(",")
    const [upstream, patch] = [keys("b", 40_000), keys("a", 40_000)]
    expect(merged('{"v":1}', `{"v":1,${upstream}}`, `{"v":1,${patch}}`)).toBe(`{"v":1,${patch},${upstream}}`)
    expect(merged('{"v":1}', '{"v":2}', `{"v":1,${patch}}`)).toBe(`{"v":2,${patch}}`)
  }, 5_000)

  test("keys removed first, in the middle, last, and all of them", () => {
    const name: Change = ['  "name": "upstream",\n', ""]
    const alpha: Change = ['    "alpha": "1.0.0",\n', ""]
    const omega: Change = [',\n    "omega": "1.0.0"', ""]
    expect(mergedChanges([bump], [name])).toBe(changed(manifest, bump, name))
    expect(mergedChanges([alpha], [omega])).toBe(
      changed(manifest, ['{\n    "alpha": "1.0.0",\n    "omega": "1.0.0"\n  }', "{}"])
    )
    expect(merged('{ "a": 1, "b": 2, "c": 3 }', '{ "a": 1, "b": 2, "c": 4 }', '{ "b": 2, "c": 3 }')).toBe(
      '{ "b": 2, "c": 4 }'
    )
  })

  test("a blank line between keys, and one behind the brace, stay where they are", () => {
    const base = '{\n\n  "name": "a",\n  "version": "1",\n\n  "main": "m"\n}\n'
    expect(merged(base, changed(base, ['"1"', '"2"']), changed(base, ['"a"', '"b"']))).toBe(
      changed(base, ['"1"', '"2"'], ['"a"', '"b"'])
    )
  })

  test("both sides made the same change", () => {
    expect(mergedChanges([rename, bump], [rename])).toBe(changed(manifest, rename, bump))
  })

  test("numbers beyond the precision of a double, escapes and the key __proto__ are kept as written", () => {
    const base = '{\n  "n": 12345678901234567890,\n  "__proto__": "\\u0041",\n  "v": 1.0\n}'
    const theirs = changed(base, ["67890", "67891"])
    expect(merged(base, changed(base, ["1.0", "1.50"]), theirs)).toBe(changed(theirs, ["1.0", "1.50"]))
  })
})

describe("no clean merge", () => {
  const bothWays = (a: string, b: string, base = manifest) => [merged(base, a, b), merged(base, b, a)]

  test.each<readonly [string, Change, Change]>([
    ["one key changed on both sides", ['"upstream"', '"a"'], ['"upstream"', '"b"']],
    ["a key removed on one side and changed on the other", ['  "name": "upstream",\n', ""], rename],
    [
      "an array changed on both sides",
      ['["src", "dist"]', '["src"]'],
      ['["src", "dist"]', '["src", "dist", "x"]']
    ],
    ["a key added on both sides with two values", ["{\n", '{\n  "x": 1,\n'], ["{\n", '{\n  "x": 2,\n']],
    ["an object added on both sides", ["{\n", '{\n  "x": { "a": 1 },\n'], ["{\n", '{\n  "x": { "b": 1 },\n']],
    [
      "an object that became a string",
      [/"exports": {[^}]*}/.exec(manifest)?.[0] ?? "", '"exports": "./x.js"'],
      ['"./index.js"', '"./y.js"']
    ],
    [
      "an object removed and changed inside",
      [/ {2}"exports": {[^}]*},\n/.exec(manifest)?.[0] ?? "", ""],
      ['"./index.js"', '"./y.js"']
    ],
    [
      "conditions added to exports on both sides",
      ['"types"', '"bun": "./b.ts",\n    "types"'],
      ['"types"', '"deno": "./d.ts",\n    "types"']
    ]
  ])("%s", (_, a, b) => {
    expect(bothWays(changed(manifest, a), changed(manifest, b))).toEqual([null, null])
  })

  test("keys that the patch reorders beside a change of ours; alone they are taken", () => {
    const reorder: Change = [
      '"types": "./index.d.ts",\n    "default": "./index.js"',
      '"default": "./index.js",\n    "types": "./index.d.ts"'
    ]
    expect(mergedChanges([['"./index.js"', '"./y.js"']], [reorder])).toBeNull()
    expect(mergedChanges([bump], [rename, reorder])).toBe(changed(manifest, bump, rename, reorder))
  })

  test.each([
    ["a key twice", manifest.replace("{\n", '{\n  "name": "x",\n')],
    ["a byte order mark", `\uFEFF${manifest}`],
    ["comments", manifest.replace("{\n", "{\n  // why\n")],
    ["a trailing comma", manifest.replace('"omega": "1.0.0"', '"omega": "1.0.0",')],
    ["no JSON", "<<<<<<< name\n"],
    ["nothing", ""],
    ["65 levels", manifest.replace('"upstream"', "[".repeat(64) + "]".repeat(64))],
    ["a depth that no reader by recursion survives", "[".repeat(500_000)],
    ["more than 1 MiB", manifest + " ".repeat(1024 * 1024)]
  ])("%s on any one side", (_, odd) => {
    const a = changed(manifest, bump)
    expect([...bothWays(a, odd), merged(odd, a, changed(manifest, rename))]).toEqual([null, null, null])
  })

  test("bytes that are not UTF-8", () => {
    const latin1 = Buffer.from(changed(manifest, ['"upstream"', '"\xe9"']), "latin1")
    const base = Buffer.from(manifest)
    expect(mergeJson({ base, ours: Buffer.from(changed(manifest, bump)), theirs: latin1 })).toBeNull()
  })

  test("64 levels and 1 MiB are within the limits", () => {
    const deep = changed(manifest, ['"upstream"', "[".repeat(63) + "]".repeat(63)])
    expect(merged(deep, changed(deep, bump), changed(deep, ['"src"', '"s"']))).not.toBeNull()
    const padded = manifest + " ".repeat(1024 * 1024 - changed(manifest, rename).length)
    expect(merged(manifest, padded, changed(manifest, rename))?.length).toBe(1024 * 1024)
    expect(merged(manifest, `${padded} `, changed(manifest, rename))).toBeNull()
  })
})
