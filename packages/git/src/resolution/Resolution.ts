/**
 * A resolution: what somebody decided about one file in conflict, so that nobody has to decide it twice.
 *
 * 1. It is kept under the blob ids of the three versions. It holds for a conflict when all three are the same, modes and
 *    absences included. So it never guesses: another version on any side is another conflict.
 * 2. Where a version is absent, the decision was about the place as well, and the path must be the same. Where two of them
 *    are absent, as after a rename, the whole conflict must be the same.
 * 3. Its id is made of everything that was decided and by whom; the checks that passed since are not part of it.
 */
import { createHash } from "node:crypto"
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import type { ConflictSide } from "../patch/Conflict.ts"

/** Longest `resolution.json`, in bytes: 64 KiB. */
export const resolutionBytesMax = 64 * 1024

/** Largest file that a resolution gives, in bytes: 16 MiB. */
export const contentBytesMax = 16 * 1024 * 1024

/** Checks that one resolution names. */
export const resolutionChecksMax = 100

/** 32 hex digits. */
export const ResolutionId = Schema.String.pipe(
  Schema.pattern(/^[0-9a-f]{32}$/),
  Schema.brand("git/ResolutionId")
)
export type ResolutionId = typeof ResolutionId.Type

/** Tells whether the text can be the id of a resolution. */
export const isResolutionId = Schema.is(ResolutionId)

/** How it was decided. */
export const ResolutionHow = Schema.Literal("hand", "agent", "tool")
export type ResolutionHow = typeof ResolutionHow.Type

/** Who decided. */
export const ResolutionAuthor = Schema.Struct({
  name: Schema.String.pipe(Schema.pattern(/^[^<>\p{Cc}]{1,200}$/u)),
  email: Schema.String.pipe(Schema.pattern(/^[^<>\p{Cc}]{0,320}$/u))
})
export type ResolutionAuthor = typeof ResolutionAuthor.Type

const Mode = Schema.Literal("100644", "100755", "120000", "160000")
const Side = Schema.NullOr(Schema.Struct({ oid: ObjectId, mode: Mode }))

/** Seconds since 1970, up to the year 9999. */
const Seconds = Schema.Int.pipe(Schema.between(0, 253_402_300_799))

/** A path inside a tree: no empty part, no dots, nothing that is git's own. */
export const TreePath = Schema.String.pipe(
  Schema.minLength(1),
  Schema.maxLength(4_096),
  Schema.filter(
    (path) =>
      !(path.includes("\0") || path.split("/").some((part) => /^(?:\.{0,2}|\.git)$/i.test(part))) ||
      "expected a path inside a tree"
  )
)

/** Longest name of a check, in UTF-16 units. */
export const resolutionCheckNameLengthMax = 200

/** A check that passed on a tree with this resolution in it. */
export const ResolutionCheck = Schema.Struct({
  name: Schema.String.pipe(Schema.minLength(1), Schema.maxLength(resolutionCheckNameLengthMax)),
  tree: ObjectId,
  date: Seconds
})
export type ResolutionCheck = typeof ResolutionCheck.Type

/** The content of `resolution.json`. */
export const Resolution = Schema.Struct({
  version: Schema.Literal(1),
  /** Where the conflict was. */
  path: TreePath,
  /** Short name of the patch branch. */
  patch: Schema.String.pipe(Schema.maxLength(1_024)),
  base: Side,
  ours: Side,
  theirs: Side,
  /** What all of the conflict's files disagree about; see `contextOf`. */
  context: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{32}$/)),
  /** The file that was decided on; `null` for "there is none". */
  result: Side,
  how: ResolutionHow,
  author: ResolutionAuthor,
  date: Seconds,
  /** Why, for whoever reviews it. */
  note: Schema.optionalWith(Schema.String.pipe(Schema.maxLength(2_000)), { default: () => "" }),
  checks: Schema.optionalWith(Schema.Array(ResolutionCheck).pipe(Schema.maxItems(resolutionChecksMax)), {
    default: () => []
  })
})
export type Resolution = typeof Resolution.Type

/** A resolution that was read from the ref. */
export interface StoredResolution {
  readonly id: ResolutionId
  readonly resolution: Resolution
}

/** Something under the ref that is no resolution. It is left alone and never used. */
export interface ResolutionIssue {
  /** The folder inside the ref's tree. */
  readonly place: string
  readonly detail: string
}

/** What a maintainer allows. */
export interface ResolutionPolicy {
  /** `label`: stored resolutions are used, and every use is named in the result. `never`: they are not used. */
  readonly reuse: "never" | "label"
  /** Whether a result with reused resolutions may be pushed without anybody's word. */
  readonly push: boolean
}

/** Resolutions are used and named, and what came out is not pushed by itself. */
export const resolutionPolicyDefault: ResolutionPolicy = { reuse: "label", push: false }

/** The three versions of one path. */
export interface Versions {
  readonly path: string
  readonly base: ConflictSide | null
  readonly ours: ConflictSide | null
  readonly theirs: ConflictSide | null
}

/** The id of a resolution. */
export const resolutionIdOf = (resolution: Resolution): ResolutionId => {
  const { path, patch, base, ours, theirs, context, result, how, author, date, note } = resolution
  const sides = [base, ours, theirs, result].map(sideKey)
  return ResolutionId.make(digest([path, patch, sides, context, how, author.name, author.email, date, note]))
}

/** The folder of a conflict: the three blob ids, `none` for a version that is absent. */
export const resolutionKeyOf = ({ base, ours, theirs }: Omit<Versions, "path">): string =>
  [base, ours, theirs].map((side) => side?.oid ?? "none").join("-")

/** Tells whether the text has the form of a folder's name. */
export const isResolutionKey = (name: string): boolean =>
  /^(?:none|[0-9a-f]{40}|[0-9a-f]{64})(?:-(?:none|[0-9a-f]{40}|[0-9a-f]{64})){2}$/.test(name)

/** What all files of a conflict disagree about, as 32 hex digits. The order of the files does not matter. */
export const contextOf = (files: ReadonlyArray<Versions>): string => {
  const parts = files.map(({ path, base, ours, theirs }) =>
    JSON.stringify([path, sideKey(base), sideKey(ours), sideKey(theirs)])
  )
  return digest(parts.sort())
}

/** All resolutions that hold for the file, the best first: those of the same path before others, then the newest. */
export const holding = (
  stored: ReadonlyArray<StoredResolution>,
  file: Versions,
  context: string
): ReadonlyArray<StoredResolution> => {
  const isHere = ({ resolution }: StoredResolution) => (resolution.path === file.path ? 0 : 1)
  return stored
    .filter(({ resolution }) => holds(resolution, file, context))
    .sort((a, b) => isHere(a) - isHere(b) || b.resolution.date - a.resolution.date || (a.id < b.id ? -1 : 1))
}

/** Tells whether the text has conflict markers that none of the versions has. */
export const hasMarkers = (content: Uint8Array, versions: ReadonlyArray<Uint8Array>): boolean => {
  const lines = (bytes: Uint8Array) => {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1")
    return text.match(/^(?:<{7}|>{7})(?: .*)?\r?$/gm) ?? []
  }
  const known = new Set(versions.flatMap(lines))
  return lines(content).some((line) => !known.has(line))
}

// --- internal ---

const sideKey = (side: ConflictSide | null) => (side === null ? null : [side.mode, side.oid])

const digest = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 32)

const sameSide = (a: ConflictSide | null, b: ConflictSide | null): boolean =>
  a?.oid === b?.oid && a?.mode === b?.mode

const holds = (resolution: Resolution, file: Versions, context: string): boolean => {
  const sides = [file.base, file.ours, file.theirs]
  const same =
    sameSide(resolution.base, file.base) &&
    sameSide(resolution.ours, file.ours) &&
    sameSide(resolution.theirs, file.theirs)
  if (!same) return false
  const absent = sides.filter((side) => side === null).length
  const isFile = sides.every((side) => side === null || side.mode.startsWith("100"))
  if (absent === 0 && isFile) return true
  return resolution.path === file.path && (absent < 2 || resolution.context === context)
}
