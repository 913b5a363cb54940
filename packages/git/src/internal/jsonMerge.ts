/**
 * Three-way merge of JSON texts by their values. Ours keeps its text; only what theirs changed is put into it.
 *
 * 1. Objects merge key by key; arrays, strings, numbers and the rest merge as wholes.
 * 2. What only one side changed is taken; what both changed alike is taken once; anything else is no clean merge,
 *    a key removed on one side and changed on the other too.
 * 3. The order of keys is part of a value. A patch that only reorders keys is taken where ours left the object alone.
 * 4. What comes out is read again and compared with the merged value, so that a text which says something else never
 *    leaves this module.
 */
import {
  type JsonMember,
  type JsonNode,
  type JsonObject,
  type JsonText,
  type JsonValue,
  readJson,
  sameJson
} from "./jsonText.ts"
import { interleave, type Slot, writeObject, writtenLike } from "./jsonWrite.ts"

/** The merged text, or `null` where the texts are not strict JSON or do not merge cleanly. */
export const mergeJson = (given: {
  readonly base: Uint8Array
  readonly ours: Uint8Array
  readonly theirs: Uint8Array
}): string | null => {
  const base = readJson(given.base)
  const ours = readJson(given.ours)
  const theirs = readJson(given.theirs)
  if (base === null || ours === null || theirs === null) return null
  const place: At = { ours, theirs, path: [] }
  const merged = mergeValues(place, base.root, ours.root, theirs.root)
  if (merged === null) return null
  const text = ours.text.slice(0, ours.root.start) + merged.text + ours.text.slice(ours.root.end)
  const check = readJson(Buffer.from(text))
  return check !== null && sameJson(check.root, merged.value) ? text : null
}

// --- internal ---

/** The two texts, and the keys that lead to the value in question. */
interface At {
  readonly ours: JsonText
  readonly theirs: JsonText
  readonly path: ReadonlyArray<string>
}

/** A merged value and how it is written. */
interface Merged {
  readonly value: JsonValue
  readonly text: string
}

interface MergedSlot extends Slot {
  readonly value: JsonValue
}

/** Objects in which the order of the keys decides what a package resolves to (nodejs.org/api/packages.html, "Conditional exports"). */
const orderedAtTop: ReadonlySet<string> = new Set(["exports", "imports"])

const mergeValues = (at: At, base: JsonNode, ours: JsonNode, theirs: JsonNode): Merged | null => {
  if (sameJson(base, theirs) || sameJson(ours, theirs)) {
    return { value: ours, text: at.ours.text.slice(ours.start, ours.end) }
  }
  const objects = base.kind === "object" && ours.kind === "object" && theirs.kind === "object"
  // An object without members has no layout to keep, so the patch's text of it is taken as a whole below.
  if (objects && base.members.size + ours.members.size > 0 && !reordered(base, theirs)) {
    return mergeObjects(at, base, ours, theirs)
  }
  if (sameJson(base, ours)) return { value: theirs, text: writtenLike(at.ours, at.theirs, theirs) }
  return null
}

const mergeObjects = (at: At, base: JsonObject, ours: JsonObject, theirs: JsonObject): Merged | null => {
  if (orderedAtTop.has(at.path[0] ?? "") && keysDiffer(base, ours) && keysDiffer(base, theirs)) {
    if (keysDiffer(ours, theirs)) return null
  }
  const kept: Array<MergedSlot> = []
  for (const [key, member] of ours.members) {
    const merged = mergeMember(at, key, base.members.get(key), member, theirs.members.get(key))
    if (merged === null) return null
    if (merged === "removed") continue
    const head = at.ours.text.slice(member.start, member.value.start)
    kept.push({ key, member, text: head + merged.text, value: merged.value })
  }
  const added = new Map<string, MergedSlot>()
  for (const [key, member] of theirs.members) {
    if (ours.members.has(key)) continue
    const before = base.members.get(key)
    if (before !== undefined && !sameJson(before.value, member.value)) return null
    if (before !== undefined) continue
    added.set(key, { key, member: null, text: writtenLike(at.ours, at.theirs, member), value: member.value })
  }
  const slots = interleave(kept, added, [...theirs.members.keys()])
  const members = new Map(slots.map(({ key, value }) => [key, { value }]))
  return {
    value: { kind: "object", members },
    text: writeObject({ ours: at.ours, object: ours, slots, depth: at.path.length })
  }
}

/** What becomes of a key that ours has. */
const mergeMember = (
  at: At,
  key: string,
  base: JsonMember | undefined,
  ours: JsonMember,
  theirs: JsonMember | undefined
): Merged | "removed" | null => {
  const asOurs: Merged = { value: ours.value, text: at.ours.text.slice(ours.value.start, ours.value.end) }
  if (theirs === undefined) {
    if (base === undefined) return asOurs
    return sameJson(base.value, ours.value) ? "removed" : null
  }
  if (base === undefined) return sameJson(ours.value, theirs.value) ? asOurs : null
  return mergeValues({ ...at, path: [...at.path, key] }, base.value, ours.value, theirs.value)
}

/** Whether the keys that both have stand in another order. */
const reordered = (base: JsonObject, changed: JsonObject): boolean => {
  const before = [...base.members.keys()].filter((key) => changed.members.has(key))
  const after = [...changed.members.keys()].filter((key) => base.members.has(key))
  return before.some((key, at) => key !== after[at])
}

const keysDiffer = (a: JsonObject, b: JsonObject): boolean => {
  const others = [...b.members.keys()]
  return a.members.size !== others.length || [...a.members.keys()].some((key, at) => key !== others[at])
}
