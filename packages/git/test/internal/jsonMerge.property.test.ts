/**
 * Goal: a merge applies both sides' edits, or gives up; it never drops one. Method: random objects and random edits of
 * keys. Edits of different keys must merge into the object that has both, edits of one key to two values must not.
 */
import { describe, expect, test } from "bun:test"
import * as FastCheck from "effect/FastCheck"
import { mergeJson } from "../../src/internal/jsonMerge.ts"

type Json = null | boolean | number | string | ReadonlyArray<Json> | { readonly [key: string]: Json }
type Path = ReadonlyArray<string>

interface Edit {
  readonly path: Path
  /** What stands there afterwards; `undefined` for nothing. */
  readonly value: Json | undefined
}

/** Short keys, so that objects hold the same ones; not numbers, which objects of JavaScript put in front. */
const key = FastCheck.constantFrom("name", "version", "a", "b", "c", 'q"\\', "ü", "_", "exports")

const { object, value } = FastCheck.letrec<{ object: Json; value: Json }>((tie) => ({
  object: FastCheck.dictionary(key, tie("value"), { maxKeys: 6, noNullPrototype: true }),
  value: FastCheck.oneof(
    { maxDepth: 3, withCrossShrink: true },
    FastCheck.string(),
    FastCheck.integer(),
    FastCheck.constantFrom(null, true, false, 0.5, 1e300),
    FastCheck.array(tie("value"), { maxLength: 3 }),
    tie("object")
  )
}))

const isObject = (json: Json | undefined): json is { readonly [key: string]: Json } =>
  typeof json === "object" && json !== null && !Array.isArray(json)

/** Paths of all keys, also those inside of others. */
const pathsOf = (json: Json, at: Path = []): ReadonlyArray<Path> =>
  isObject(json)
    ? Object.entries(json).flatMap(([name, inner]) => [[...at, name], ...pathsOf(inner, [...at, name])])
    : []

const overlap = (a: Path, b: Path): boolean =>
  a.slice(0, b.length).join("\n") === b.slice(0, a.length).join("\n")

/** The object after the edit; a key that stands already keeps its place. */
const edited = (json: Json, { path, value: next }: Edit): Json => {
  const [name, ...rest] = path
  if (name === undefined || !isObject(json)) return json
  const inner = rest.length > 0 ? edited(json[name] ?? null, { path: rest, value: next }) : next
  if (inner !== undefined) return { ...json, [name]: inner }
  return Object.fromEntries(Object.entries(json).filter(([other]) => other !== name))
}

const editsOf = (json: Json) => {
  const known = pathsOf(json)
  const there = known.length === 0 ? [] : [FastCheck.constantFrom(...known)]
  const objects = [[], ...known.filter((path) => isObject(at(json, path)))]
  const added = FastCheck.tuple(FastCheck.constantFrom(...objects), key).map(([path, name]) => [
    ...path,
    name
  ])
  return FastCheck.array(
    FastCheck.record({
      path: FastCheck.oneof(...there, added),
      value: FastCheck.option(value, { nil: undefined, freq: 3 })
    }),
    { maxLength: 4 }
  )
}

const at = (json: Json, path: Path): Json | undefined =>
  path.reduce<Json | undefined>((now, name) => (isObject(now) ? now[name] : undefined), json)

/** An object with edits for each side. Those of ours come first, and one that overlaps another is left out. */
const disjoint = object.chain((base) =>
  FastCheck.tuple(FastCheck.constant(base), editsOf(base), editsOf(base)).map(([json, first, second]) => {
    const taken: Array<Path> = []
    const free = (edit: Edit): boolean => {
      const isFree = !taken.some((path) => overlap(path, edit.path))
      if (isFree) taken.push(edit.path)
      return isFree
    }
    return { base: json, ours: first.filter(free), theirs: second.filter(free) }
  })
)

const layouts = FastCheck.tuple(
  FastCheck.constantFrom(0, 2, 4, "\t"),
  FastCheck.constantFrom(0, 2, 4, "\t"),
  FastCheck.constantFrom("\n", "\r\n"),
  FastCheck.constantFrom("", "\n")
)

const applied = (json: Json, edits: ReadonlyArray<Edit>) => edits.reduce(edited, json)

/** Whether both sides add or remove keys below `exports`, whose order decides: a merge gives up there by rule. */
const ordersConditions = (edits: ReadonlyArray<Edit>) => edits.some(({ path }) => path[0] === "exports")

const runs = 2_000

describe("random objects", () => {
  test(`disjoint edits merge into the object that has both, ${runs} times`, () => {
    FastCheck.assert(
      FastCheck.property(disjoint, layouts, (given, [ourIndent, theirIndent, lineEnd, last]) => {
        const ours = applied(given.base, given.ours)
        const theirs = applied(given.base, given.theirs)
        const oursText = (JSON.stringify(ours, null, ourIndent) + last).replaceAll("\n", lineEnd)
        const text = mergeJson({
          base: Buffer.from(JSON.stringify(given.base)),
          ours: Buffer.from(oursText),
          theirs: Buffer.from(JSON.stringify(theirs, null, theirIndent))
        })
        if (text === null) {
          expect(ordersConditions(given.ours) && ordersConditions(given.theirs)).toBe(true)
          return
        }
        expect(JSON.parse(text)).toEqual(applied(ours, given.theirs))
        expect(text.endsWith("\n")).toBe(last !== "")
        if (given.theirs.length === 0) expect(text).toBe(oursText)
      }),
      { seed: 1, numRuns: runs }
    )
  })

  test(`two values for one key, or a value and none, never merge, ${runs} times`, () => {
    const clash = object
      .filter((base) => pathsOf(base).length > 0)
      .chain((base) =>
        FastCheck.record({
          base: FastCheck.constant(base),
          path: FastCheck.constantFrom(...pathsOf(base)),
          scalars: FastCheck.uniqueArray(FastCheck.oneof(FastCheck.integer(), FastCheck.string()), {
            minLength: 2,
            maxLength: 2
          }),
          removes: FastCheck.boolean()
        })
      )
    FastCheck.assert(
      FastCheck.property(clash, ({ base, path, scalars: [one, two], removes }) => {
        FastCheck.pre(one !== undefined && two !== undefined)
        const before = JSON.stringify(at(base, path))
        FastCheck.pre(before !== JSON.stringify(one) && before !== JSON.stringify(two))
        const a = Buffer.from(JSON.stringify(edited(base, { path, value: one })))
        const b = Buffer.from(JSON.stringify(edited(base, { path, value: removes ? undefined : two })))
        const original = Buffer.from(JSON.stringify(base))
        expect(mergeJson({ base: original, ours: a, theirs: b })).toBeNull()
        expect(mergeJson({ base: original, ours: b, theirs: a })).toBeNull()
      }),
      { seed: 2, numRuns: runs }
    )
  })
})
