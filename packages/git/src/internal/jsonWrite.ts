/**
 * Writes a changed object in the layout that its text has: whitespace before each key, commas, tail, line ends, indent.
 *
 * Every byte of ours that no change touches stays. What comes from theirs keeps its own layout, with the indent and the
 * line ends of ours: an array on one line stays on one line.
 */
import type { JsonMember, JsonObject, JsonText } from "./jsonText.ts"

/** One key of the result with its written text; `member` is its place in ours, or `null` for one that is new there. */
export interface Slot {
  readonly key: string
  readonly member: JsonMember | null
  readonly text: string
}

/** A part of theirs as it is written there, in the indent and the line ends of ours. */
export const writtenLike = (
  ours: JsonText,
  theirs: JsonText,
  part: { readonly start: number; readonly end: number }
): string => {
  const written = theirs.text.slice(part.start, part.end)
  // Strings of JSON hold no raw line feed, so every line break here stands between tokens.
  return written.replace(/\r?\n([ \t]*)/g, (_, lead: string) =>
    ours.indent === null ? "" : ours.lineEnd + reindented(lead, theirs.indent, ours.indent)
  )
}

/**
 * The members of ours with those that the patch adds. Each goes behind the nearest key that precedes it in the patch's
 * text; if there is none, before the nearest that follows it; else to the end. Where the keys are sorted so far, as
 * dependencies are, the alphabet decides between it and what upstream added at the same place.
 *
 * `order` is every key of the patch's object. One pass, because a file within the limits can hold 100,000 keys.
 */
export const interleave = <S extends Slot>(
  slots: ReadonlyArray<S>,
  added: ReadonlyMap<string, S>,
  order: ReadonlyArray<string>
): ReadonlyArray<S> => {
  const sorted = isSorted(order) && isSorted(slots.map(({ key }) => key))
  const known = new Set(order)
  const kept = new Set(slots.map(({ key }) => key))
  const behind = new Map<string | null, Array<S>>()
  let anchor: string | null = null
  for (const key of order) {
    const slot = added.get(key)
    if (kept.has(key)) anchor = key
    else if (slot !== undefined) {
      const news = behind.get(anchor)
      if (news === undefined) behind.set(anchor, [slot])
      else news.push(slot)
    }
  }
  const result: Array<ReadonlyArray<S>> = []
  let run: Array<S> = []
  anchor = null
  const closeRun = () => {
    const news = behind.get(anchor) ?? []
    const both = anchor === null ? [...run, ...news] : [...news, ...run]
    result.push(sorted ? both.sort((a, b) => (a.key < b.key ? -1 : 1)) : both)
    run = []
  }
  for (const slot of slots) {
    if (!known.has(slot.key)) {
      run.push(slot)
      continue
    }
    closeRun()
    anchor = slot.key
    result.push([slot])
  }
  closeRun()
  return result.flat()
}

/** The object of ours with these members. `depth` is the number of objects around it. */
export const writeObject = (given: {
  readonly ours: JsonText
  readonly object: JsonObject
  readonly slots: ReadonlyArray<Slot>
  readonly depth: number
}): string => {
  const { ours, object, slots } = given
  if (slots.length === 0) return "{}"
  const layout = layoutOf(ours, object, given.depth)
  const written = slots.map(({ member, text }, at) => {
    const moved = member === null || member === layout.head
    const own = moved ? undefined : layout.gaps.get(member)
    const trail = member === null || at === slots.length - 1 ? "" : (layout.trails.get(member) ?? "")
    return (at === 0 ? layout.first : (own ?? layout.between)) + text + trail
  })
  return `{${written.join(",")}${layout.tail}}`
}

// --- internal ---

interface Layout {
  /** The first member of ours, whose gap is the one behind the brace. */
  readonly head: JsonMember | undefined
  /** Whitespace before each member of ours. */
  readonly gaps: ReadonlyMap<JsonMember, string>
  /** Whitespace between a member of ours and the comma behind it. */
  readonly trails: ReadonlyMap<JsonMember, string>
  /** Whitespace before the first member. */
  readonly first: string
  /** Whitespace before a member that gets a new place, not being the first. */
  readonly between: string
  /** Whitespace before the closing brace. */
  readonly tail: string
}

const layoutOf = (ours: JsonText, object: JsonObject, depth: number): Layout => {
  const gaps = new Map<JsonMember, string>()
  const trails = new Map<JsonMember, string>()
  let end = object.start + 1
  let before: JsonMember | undefined
  for (const member of object.members.values()) {
    const comma = before === undefined ? end : ours.text.indexOf(",", end)
    if (before !== undefined) trails.set(before, ours.text.slice(end, comma))
    gaps.set(member, ours.text.slice(before === undefined ? end : comma + 1, member.start))
    end = member.end
    before = member
  }
  const [head] = object.members.values()
  const [first, second] = gaps.values()
  if (first === undefined) {
    const lineAt = (level: number) => (ours.indent === null ? "" : ours.lineEnd + ours.indent.repeat(level))
    return { head, gaps, trails, first: lineAt(depth + 1), between: lineAt(depth + 1), tail: lineAt(depth) }
  }
  const between = first.includes("\n") ? lastLine(ours, first) : (second ?? besideOn(ours, object))
  return { head, gaps, trails, first, between, tail: ours.text.slice(end, object.end - 1) }
}

/** The gap without blank lines in it. */
const lastLine = (ours: JsonText, gap: string): string =>
  gap.includes("\n") ? ours.lineEnd + gap.slice(gap.lastIndexOf("\n") + 1) : gap

/** What goes between two members on one line: a space where there is one behind the colon. */
const besideOn = (ours: JsonText, object: JsonObject): string => {
  const [only] = object.members.values()
  return only !== undefined && /\s/.test(ours.text.slice(only.keyEnd, only.value.start)) ? " " : ""
}

const isSorted = (keys: ReadonlyArray<string>): boolean =>
  keys.every((key, at) => at === 0 || (keys[at - 1] ?? "") < key)

/** A lead of whole levels in the other indent; any other lead as it is. */
const reindented = (lead: string, from: string | null, to: string): string => {
  if (from === null || from === "" || lead.length % from.length !== 0) return lead
  const levels = lead.length / from.length
  return from.repeat(levels) === lead ? to.repeat(levels) : lead
}
