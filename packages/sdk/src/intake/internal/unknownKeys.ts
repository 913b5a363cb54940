/** Warns of keys that nothing reads, with the known key that the operator may have meant. */
import { quote } from "../Redact.ts"

/** Something that does not stop a source, and that its operator should see. */
export interface SourceWarning {
  readonly path: string
  readonly message: string
}

/** One warning per key of the object that is not among the known ones, up to a limit. */
export const unknownKeys = (
  value: Readonly<Record<string, unknown>>,
  known: ReadonlyArray<string>,
  path: string
): ReadonlyArray<SourceWarning> =>
  Object.keys(value)
    .filter((key) => !known.includes(key))
    .slice(0, warningsMax)
    .map((key) => {
      const nearest = nearestKey(key, known)
      const hint = nearest === undefined ? "" : `; did you mean ${quote(nearest)}?`
      return {
        path: path === "" ? key.slice(0, keyLengthMax) : `${path}.${key.slice(0, keyLengthMax)}`,
        message: `unknown key ${quote(key)} is ignored${hint}`
      }
    })

// --- internal ---

/** Most unknown keys that are told of one object. */
const warningsMax = 20

/** Longest key that is compared and shown: the comparison is quadratic, and no known key is near a longer one. */
const keyLengthMax = 64

/** The known key with the fewest changed letters, if at most a third of the letters differ. */
const nearestKey = (key: string, known: ReadonlyArray<string>): string | undefined => {
  let nearest: { readonly name: string; readonly distance: number } | undefined
  for (const name of known) {
    const distance = editDistance(key.slice(0, keyLengthMax).toLowerCase(), name.toLowerCase())
    if (distance <= Math.max(1, Math.floor(name.length / 3)) && distance < (nearest?.distance ?? Infinity)) {
      nearest = { name, distance }
    }
  }
  return nearest?.name
}

const editDistance = (left: string, right: string): number => {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (let row = 1; row <= left.length; row++) {
    const current = [row]
    for (let column = 1; column <= right.length; column++) {
      const changed = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1)
      current.push(Math.min(changed, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[right.length] ?? 0
}
