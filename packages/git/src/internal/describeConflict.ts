/** Makes the conflict record of `patch/Conflict` out of what merge-tree answered. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { readContracts } from "../contract/PatchContract.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { Conflict, ConflictFile, ConflictKind, ConflictSide } from "../patch/Conflict.ts"
import { bodyLengthMax, conflictFilesMax, conflictMessagesMax } from "../patch/Conflict.ts"
import type { Repository } from "../Repository.ts"
import { findResolutions } from "../resolution/ResolutionStore.ts"
import { readObjectSizes, readObjects } from "./catFile.ts"
import type { MergeAnswer, MergeQuestion } from "./mergeEngine.ts"
import type { MergeMessage, MergeOutcome, MergeStage } from "./mergeOutput.ts"
import { parseCommit } from "./objectFormat.ts"
import { findUpstreamTouches, untold } from "./upstreamTouches.ts"

/** Files above this size get no marked text: reading them would cost more than a person can look through. */
const markedFileBytesMax = 8 * 1024 * 1024

/** Text shown before the first marker of a cut file, in bytes. */
const leadBytes = 2 * 1024

export interface DescribeOptions {
  readonly repository: Repository
  /** Variables that let git see the quarantine. */
  readonly env: Readonly<Record<string, string>>
  readonly answer: MergeAnswer
  readonly outcome: Extract<MergeOutcome, { readonly clean: false }>
  /** The real commits behind the throw-away ones, to name in texts. */
  readonly names: MergeQuestion
  readonly patch: string
  readonly commit: ObjectId
  readonly subject: string
  /** The upstream commit that the patches go onto. */
  readonly onto: ObjectId
  readonly markedTextBytesMax: number
  /** Whether upstream's history is searched for who touched the lines: some ten processes of git for each file. */
  readonly withHistory: boolean
}

/** The conflict record. Reads the marked texts out of the merged tree. */
export const describeConflict = Effect.fnUntraced(function* (options: DescribeOptions) {
  const { outcome } = options
  const rename = renamer(options.answer.labels, options.names)
  const paths = pathsInConflict(outcome)
  const shown = paths.slice(0, conflictFilesMax)
  const names = shown.map((path) => Buffer.concat([Buffer.from(`${outcome.tree}:`), path]))
  const read = { repository: options.repository, env: options.env }
  const found = yield* readObjectSizes({ ...read, names })
  const readable = shown.map((_, at) => {
    const object = found[at] ?? null
    return object !== null && object.type === "blob" && object.size <= markedFileBytesMax ? object.id : null
  })
  const contents = new Map<string, Buffer>()
  const ids = readable.filter((id) => id !== null)
  for (const [at, object] of (yield* readObjects({ ...read, names: ids })).entries()) {
    const id = ids[at]
    if (object !== null && id !== undefined) contents.set(id, object.content)
  }
  const files = shown.map((path, at): ConflictFile => {
    const content = contents.get(readable[at] ?? "") ?? null
    const tooLarge = content === null && found[at]?.type === "blob"
    return describeFile({ options, path, content, tooLarge, rename })
  })
  const [commit] = yield* readObjects({ ...read, names: [options.commit] })
  const purpose = yield* purposeOf(options)
  const { onto, repository } = options
  const touches = options.withHistory
    ? yield* findUpstreamTouches({ repository, base: options.names.base, onto, files })
    : files.map(() => untold)
  const earlier = yield* findResolutions({ repository: options.repository, files })
  const conflict: Conflict = {
    patch: options.patch,
    commit: options.commit,
    subject: options.subject,
    body: bodyOf(commit?.content ?? null),
    purpose,
    onto: options.onto,
    files: files.map((file, at) => ({
      ...file,
      ...touches[at],
      resolutions: (earlier[at] ?? []).map(({ id }) => id)
    })),
    filesOmitted: paths.length - shown.length,
    messages: outcome.messages
      .filter((message) => !message.type.startsWith("Auto-merging"))
      .slice(0, conflictMessagesMax)
      .map((message) => rename(message.text.trim()))
  }
  return conflict
})

// --- internal ---

const describeFile = (given: {
  readonly options: DescribeOptions
  readonly path: Buffer
  readonly content: Buffer | null
  readonly tooLarge: boolean
  readonly rename: (text: string) => string
}): ConflictFile => {
  const { outcome, markedTextBytesMax } = given.options
  const stages = outcome.stages.filter((stage) => stage.path.equals(given.path))
  const side = (number: MergeStage["stage"]) => sideOf(stages.find((stage) => stage.stage === number))
  const sides = { base: side(1), ours: side(2), theirs: side(3) }
  const messages = outcome.messages.filter((message) => message.paths.some((path) => path.equals(given.path)))
  const binary = given.content?.subarray(0, 8_000).includes(0) ?? false
  const window = binary || given.content === null ? null : cut(given.content, markedTextBytesMax)
  const path = given.path.toString("utf8")
  return {
    path,
    pathBase64: Buffer.from(path).equals(given.path) ? null : given.path.toString("base64"),
    kind: kindOf(messages, sides, binary),
    ...sides,
    markedText: window === null ? null : given.rename(window.text),
    truncated: given.tooLarge || (window?.truncated ?? false),
    markedTextStart: window?.start ?? 0,
    touchedBy: [],
    touchedByComplete: true,
    resolutions: []
  }
}

/** What the patch's contract says it is for. */
const purposeOf = ({ commit, patch, repository }: DescribeOptions) =>
  Effect.map(
    readContracts({ repository, patches: [{ name: patch, commits: [commit] }] }),
    (contracts) => contracts.get(patch)?.purpose ?? null
  )

/** The message below its subject, as text. */
const bodyOf = (commit: Buffer | null): string => {
  const parsed = commit === null ? null : Either.getOrNull(parseCommit(commit))
  const text = parsed?.message.toString("utf8").trimStart() ?? ""
  const end = text.indexOf("\n")
  return end < 0 ? "" : text.slice(end).trim().slice(0, bodyLengthMax)
}

interface Sides {
  readonly base: ConflictSide | null
  readonly ours: ConflictSide | null
  readonly theirs: ConflictSide | null
}

/** The kind from git's message types (`merge-ort.c`, type_short_descriptions), then from which sides exist. */
const kindOf = (messages: ReadonlyArray<MergeMessage>, sides: Sides, binary: boolean): ConflictKind => {
  const says = (part: string) =>
    messages.some((message) => message.type.startsWith("CONFLICT") && message.type.includes(part))
  if (says("rename")) return "rename"
  if (says("submodule")) return "submodule"
  if (says("file/directory")) return "file/directory"
  if (says("distinct modes")) return "mode"
  if (says("modify/delete")) return "modify/delete"
  if (
    says("binary") ||
    messages.some((message) => message.text.includes("Cannot merge binary files")) ||
    binary
  ) {
    return "binary"
  }
  const { base, ours, theirs } = sides
  if (ours !== null && theirs !== null && ours.oid === theirs.oid && ours.mode !== theirs.mode) return "mode"
  if (base === null && ours !== null && theirs !== null) return "add/add"
  if (says("contents")) return "content"
  return ours === null || theirs === null ? "modify/delete" : "other"
}

/**
 * Paths with stages, in git's order, then the paths of conflicts that have no stages at all: git can find that a folder
 * was renamed in two ways without any file being in conflict.
 */
const pathsInConflict = (outcome: DescribeOptions["outcome"]): ReadonlyArray<Buffer> => {
  const keyOf = (path: Buffer) => path.toString("latin1")
  const paths = new Map(outcome.stages.map((stage) => [keyOf(stage.path), stage.path]))
  const staged = new Set(paths.keys())
  for (const message of outcome.messages) {
    const known = message.paths.some((path) => staged.has(keyOf(path)))
    if (known || !message.type.startsWith("CONFLICT")) continue
    for (const path of message.paths) paths.set(keyOf(path), path)
  }
  return [...paths.values()]
}

const sideOf = (stage: MergeStage | undefined): ConflictSide | null =>
  stage !== undefined && isObjectId(stage.id) ? { oid: stage.id, mode: stage.mode } : null

/** Puts the names of real commits where git wrote those of the throw-away ones, in full or abbreviated. */
const renamer =
  (labels: MergeQuestion, names: MergeQuestion) =>
  (text: string): string =>
    (["base", "ours", "theirs"] as const).reduce((renamed, side) => {
      const abbreviated = new RegExp(`\\b${labels[side].slice(0, 7)}[0-9a-f]*\\b`, "g")
      return renamed.replace(abbreviated, (found) =>
        labels[side].startsWith(found) ? names[side].slice(0, found.length) : found
      )
    }, text)

/** The whole text, or the part from shortly before the first marker, cut at line ends where there are any. */
const cut = (content: Buffer, bytesMax: number) => {
  if (content.length <= bytesMax) return { text: content.toString("utf8"), start: 0, truncated: false }
  const marker = content.indexOf("<<<<<<< ")
  const near = Math.max(0, marker - Math.min(leadBytes, bytesMax / 4))
  const start = near === 0 ? 0 : content.indexOf(10, near) + 1
  const end = content.lastIndexOf(10, start + bytesMax) + 1
  const part = content.subarray(start, end > start ? end : start + bytesMax)
  return { text: part.toString("utf8"), start, truncated: true }
}
