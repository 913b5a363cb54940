/**
 * The one place where facts of older writers become today's. Facts only ever gain fields with defaults, which
 * needs no entry here; an entry is for a fact whose type was replaced. The log itself is never rewritten.
 */

/** A fact on its way from the log: its type and its fields. */
export interface RawFact {
  readonly type: string
  readonly data: unknown
}

/** Turns a fact of an older type into a newer one. */
export type Upcaster = (data: unknown) => RawFact

/** Fact type → what it has become. */
export const upcasters: Readonly<Record<string, Upcaster>> = {}

/** How many replacements one fact may go through; a longer chain is a loop. */
const upcastsMax = 16

/** Applies the table until the type is a current one. */
export const upcast = (
  type: string,
  data: unknown,
  table: Readonly<Record<string, Upcaster>> = upcasters
): RawFact => {
  let current: RawFact = { type, data }
  for (let step = 0; step < upcastsMax && Object.hasOwn(table, current.type); step++) {
    const next = table[current.type]?.(current.data)
    if (next === undefined) break
    current = next
  }
  return current
}
