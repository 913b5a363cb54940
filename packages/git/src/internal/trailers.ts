/**
 * Trailers at the end of a commit message, by the rules of git-interpret-trailers(1) with `--no-divider`.
 *
 * A trailer is a line `Key: value` in the last paragraph, unless that paragraph is the title. A line of the same key that
 * is there already is replaced, so that adding the same trailers again gives the same bytes.
 */
import * as Effect from "effect/Effect"
import { InvalidTrailer, trailerLengthMax } from "../patch/InvalidTrailer.ts"
import type { PatchBranch } from "../patch/PatchPlan.ts"

/** Which trailers rebuilt commits get. */
export interface RebuildTrailers {
  /** `Patchmoi-Patch` with the name of the patch. */
  readonly patch: boolean
  /** `Patchmoi-Event` with this id: one line. */
  readonly event?: string
}

/** One trailer to add. */
export interface Trailer {
  readonly key: string
  readonly value: string
}

/** Tells whether the value can stand in a trailer. */
export const isTrailerValue = (value: string): boolean =>
  value !== "" &&
  value.trim() === value &&
  value.length <= trailerLengthMax &&
  [...value].every((character) => character >= " " && character !== "\u007f")

/** The trailers that the commits of a patch get. */
export const trailersOf = (patch: string, trailers: RebuildTrailers | undefined): ReadonlyArray<Trailer> => [
  ...(trailers?.patch === true ? [{ key: "Patchmoi-Patch", value: patch }] : []),
  ...(trailers?.event === undefined ? [] : [{ key: "Patchmoi-Event", value: trailers.event }])
]

/** Fails with the first trailer whose value cannot stand in one. */
export const checkTrailers = (
  patches: ReadonlyArray<PatchBranch>,
  trailers: RebuildTrailers | undefined
): Effect.Effect<void, InvalidTrailer> =>
  Effect.forEach(
    patches.flatMap(({ name }) => trailersOf(name, trailers)),
    (trailer) =>
      isTrailerValue(trailer.value) ? Effect.void : Effect.fail(new InvalidTrailer({ ...trailer })),
    { discard: true }
  )

/** The message with the trailers, in their order, after those that it has. Values are written in UTF-8. */
export const withTrailers = (message: Buffer, trailers: ReadonlyArray<Trailer>): Buffer => {
  if (trailers.length === 0) return message
  // One byte is one character here, so that no encoding is disturbed.
  const lines = message.toString("latin1").replace(/\s+$/, "").split("\n")
  const start = blockStart(lines)
  const kept =
    start === null
      ? []
      : withoutKeys(lines.slice(start), new Set(trailers.map(({ key }) => key.toLowerCase())))
  const body = lines
    .slice(0, start ?? lines.length)
    .join("\n")
    .replace(/\s+$/, "")
  const added = trailers.map(({ key, value }) => Buffer.from(`${key}: ${value}`).toString("latin1"))
  return Buffer.from(`${body}\n\n${[...kept, ...added].join("\n")}\n`, "latin1")
}

// --- internal ---

const trailerLine = /^([A-Za-z0-9-]+)[ \t]*:/

/** Lines that git itself writes. With one of them, a quarter of the paragraph's lines may be trailers and no more. */
const byGit = /^(?:Signed-off-by: |\(cherry picked from commit )/

/** The index of the trailer block's first line, or `null` when the last paragraph is none. */
const blockStart = (lines: ReadonlyArray<string>): number | null => {
  let start = lines.length
  while (start > 0 && lines[start - 1]?.trim() !== "") start--
  // The first paragraph is the title.
  if (!lines.slice(0, start).some((line) => line.trim() !== "")) return null
  let trailers = 0
  let others = 0
  let recognized = false
  for (const line of lines.slice(start)) {
    if (byGit.test(line)) recognized = true
    if (byGit.test(line) || trailerLine.test(line)) trailers++
    // A line that begins with a space goes on with the line before it.
    else if (!/^\s/.test(line) || trailers + others === 0) others++
  }
  const isBlock = recognized ? trailers * 3 >= others : trailers > 0 && others === 0
  return isBlock ? start : null
}

const withoutKeys = (block: ReadonlyArray<string>, keys: ReadonlySet<string>): ReadonlyArray<string> => {
  let leaving = false
  return block.filter((line) => {
    const key = trailerLine.exec(line)?.[1]
    if (key !== undefined) leaving = keys.has(key.toLowerCase())
    else if (!/^\s/.test(line)) leaving = false
    return !leaving
  })
}
