/** A conflict record that has to fit into the result of a step. */
import type { Conflict } from "@patchmoi/git/patch/Conflict"

/** Longest conflict record in a result, as JSON, in UTF-16 units. Marked texts are shortened until it fits. */
export const conflictLengthMax = 512 * 1024

/** The record, with marked texts cut so that its JSON is at most `lengthMax` long. Cut files say `truncated`. */
export const fitConflict = (conflict: Conflict, lengthMax: number = conflictLengthMax): Conflict => {
  let fitted = conflict
  let textMax = Math.max(0, ...conflict.files.map((file) => file.markedText?.length ?? 0))
  while (textMax > 0 && JSON.stringify(fitted).length > lengthMax) {
    textMax = Math.floor(textMax / 2)
    const cut = textMax
    fitted = {
      ...conflict,
      files: conflict.files.map((file) =>
        file.markedText === null || file.markedText.length <= cut
          ? file
          : { ...file, markedText: file.markedText.slice(0, cut), truncated: true }
      )
    }
  }
  return fitted
}
