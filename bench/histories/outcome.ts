/** What became of each patch of a stack on one release, in a form that both ways of carrying it over have in common. */

export type Outcome =
  /** It gave this tree. */
  | { readonly _tag: "Picked"; readonly tree: string }
  /** It changes nothing on this release. */
  | { readonly _tag: "Empty" }
  /** It does not apply, because of these paths. */
  | { readonly _tag: "Conflict"; readonly paths: ReadonlyArray<string> }

/** Outcomes by patch, in the order of the stack. */
export type Outcomes = ReadonlyMap<string, Outcome>

/** One patch that came out in two ways. */
export interface Difference {
  readonly patch: string
  readonly rebuilt: string
  readonly picked: string
}

/** Patches with each outcome. */
export const countOutcomes = (outcomes: Outcomes) => {
  const count = { Picked: 0, Empty: 0, Conflict: 0 }
  for (const outcome of outcomes.values()) count[outcome._tag] += 1
  return count
}

/** The patches whose outcomes differ: another tree, another verdict, or other paths in conflict. */
export const differencesOf = (rebuilt: Outcomes, picked: Outcomes): ReadonlyArray<Difference> =>
  [...new Set([...rebuilt.keys(), ...picked.keys()])].flatMap((patch) => {
    const [ours, theirs] = [describe(rebuilt.get(patch)), describe(picked.get(patch))]
    return ours === theirs ? [] : [{ patch, rebuilt: ours, picked: theirs }]
  })

// --- internal ---

const describe = (outcome: Outcome | undefined): string => {
  if (outcome === undefined) return "not carried over"
  if (outcome._tag === "Picked") return `tree ${outcome.tree}`
  if (outcome._tag === "Empty") return "empty"
  return `conflict in ${outcome.paths.toSorted().join(", ")}`
}
