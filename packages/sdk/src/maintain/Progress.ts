/** One line per stage, so that the output of a run tells what happened. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"

/** Longest line, in UTF-16 units. */
export const progressLengthMax = 2_000

/** Tells one line. Texts of others (tags, output of checks) may be in it: it stays one line, and never begins a result. */
export type Progress = (line: string) => Effect.Effect<void>

/** Tells every line to the function, or prints it. */
export const makeProgress = (onProgress: ((line: string) => void) | undefined): Progress => {
  const tell = (text: string) =>
    onProgress === undefined ? Console.log(text) : Effect.sync(() => onProgress(text))
  return (line) => tell(`maintain-fork: ${line.replace(/\s+/g, " ").slice(0, progressLengthMax)}`)
}
