/** The right word for one that is nearly right: an unknown key, command or name in a message. Imports nothing. */

/**
 * The known word that takes the fewest edits (Levenshtein), if they are at most a third of the letters. Case, `-` and `_`
 * do not count.
 */
export const nearest = (word: string, known: Iterable<string>): string | undefined => {
  if (word.length > nearestLengthMax) return undefined
  let best: { readonly word: string; readonly edits: number } | undefined
  for (const candidate of known) {
    if (candidate.length > nearestLengthMax) continue
    const edits = editDistance(plain(word), plain(candidate))
    const editsMax = Math.max(1, Math.ceil(Math.max(word.length, candidate.length) / 3))
    if (edits <= editsMax && (best === undefined || edits < best.edits)) best = { word: candidate, edits }
  }
  return best?.word
}

/** `; did you mean x?`, or nothing when nothing is near. */
export const didYouMean = (word: string, known: Iterable<string>): string => {
  const near = nearest(word, known)
  return near === undefined ? "" : `; did you mean ${near}?`
}

// --- internal ---

/** Longest word that is compared, in UTF-16 code units: the work grows with the square of it. */
const nearestLengthMax = 128

const plain = (word: string): string => word.toLowerCase().replaceAll(/[-_]/g, "")

/** How many characters must be put in, taken out or changed to make one text of the other. */
const editDistance = (from: string, to: string): number => {
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (let row = 1; row <= from.length; row++) {
    const current = [row]
    for (let column = 1; column <= to.length; column++) {
      const changed = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1)
      current.push(Math.min(changed, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[to.length] ?? 0
}
