/** What the messages of commits say about other commits: where they were picked from, what they revert, their change ids. */
import { isObjectId, type ObjectId } from "../GitName.ts"

/** Trailers of one message that are read. */
const trailersMax = 20

/** What one message names. */
export interface MessageNames {
  /** `(cherry picked from commit …)`, as `git cherry-pick -x` writes it. */
  readonly pickedFrom: ReadonlyArray<ObjectId>
  /** `This reverts commit …`, as `git revert` writes it. */
  readonly reverts: ReadonlyArray<ObjectId>
  /** `Change-Id: …`, as Gerrit's hook writes it. */
  readonly changeIds: ReadonlyArray<string>
}

/** Reads a message. Only full object ids count: a short one may name something else tomorrow. */
export const namesIn = (message: string): MessageNames => ({
  pickedFrom: idsOf(message, /^\(cherry picked from commit ([0-9a-f]+)\)$/gm),
  reverts: idsOf(message, /\bThis reverts commit ([0-9a-f]+)/g),
  changeIds: valuesOf(message, /^Change-Id: (I[0-9a-f]{8,64})[ \t]*$/gm)
})

// --- internal ---

const valuesOf = (message: string, pattern: RegExp): ReadonlyArray<string> =>
  [...message.matchAll(pattern)].slice(0, trailersMax).map((match) => match[1] ?? "")

const idsOf = (message: string, pattern: RegExp): ReadonlyArray<ObjectId> =>
  valuesOf(message, pattern).filter(isObjectId)
