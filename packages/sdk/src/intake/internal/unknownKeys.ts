/** Warns of keys that nothing reads, with the known key that the operator may have meant. */
import { nearest } from "@patchmoi/core/nearest"
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
      const meant = nearest(key, known)
      const hint = meant === undefined ? "" : `; did you mean ${quote(meant)}?`
      return {
        path: path === "" ? key.slice(0, keyLengthMax) : `${path}.${key.slice(0, keyLengthMax)}`,
        message: `unknown key ${quote(key)} is ignored${hint}`
      }
    })

// --- internal ---

/** Most unknown keys that are told of one object. */
const warningsMax = 20

/** Longest key that is shown whole. */
const keyLengthMax = 64
