/**
 * A second look at a conflict in which every file is a manifest that can be merged by its values.
 *
 * All or nothing: either every conflicted path merges cleanly and a tree comes out, or the conflict stays as git
 * reported it. Runs on conflicts alone, reads what git has read already, and writes into the quarantine.
 */
import * as Effect from "effect/Effect"
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import { readObjectSizes, readObjects } from "./catFile.ts"
import { mergeJson } from "./jsonMerge.ts"
import { jsonBytesMax } from "./jsonText.ts"
import type { MergeOutcome } from "./mergeOutput.ts"
import type { Quarantine } from "./quarantine.ts"
import { replaceBlob } from "./treeReplace.ts"

/** Conflicted files after which the conflict is left to a person. */
const structuredFilesMax = 200

export interface StructuredMergeOptions {
  readonly repository: Repository
  readonly quarantine: Quarantine
  readonly outcome: Extract<MergeOutcome, { readonly clean: false }>
  /** Names of files, without folders, that are merged by their values. */
  readonly structuredFiles: ReadonlyArray<string>
}

/** The tree with the merged files and their paths in git's order, or `null` when the conflict stays. */
export const mergeStructured = Effect.fnUntraced(function* (options: StructuredMergeOptions) {
  const { repository, quarantine, outcome } = options
  const candidates = candidatesOf(outcome, options.structuredFiles)
  if (candidates === null) return null
  const read = { repository, env: quarantine.env }
  const names = candidates.flatMap(({ base, ours, theirs }) => [base, ours, theirs])
  const sizes = yield* readObjectSizes({ ...read, names })
  if (sizes.some((found) => found?.type !== "blob" || found.size > jsonBytesMax)) return null
  const merged: Array<{ readonly path: string; readonly text: string }> = []
  // One file at a time, so that no more than three of them are in memory.
  for (const { path, base, ours, theirs } of candidates) {
    const [first, second, third] = yield* readObjects({ ...read, names: [base, ours, theirs] })
    if (!first || !second || !third) return null
    const text = mergeJson({ base: first.content, ours: second.content, theirs: third.content })
    if (text === null) return null
    merged.push({ path, text })
  }
  let tree: ObjectId = outcome.tree
  for (const { path, text } of merged) {
    const blob = yield* quarantine.write("blob", Buffer.from(text))
    const replaced = yield* replaceBlob({ repository, quarantine, tree, path, blob })
    if (replaced === null) return null
    tree = replaced
  }
  return { tree, paths: merged.map(({ path }) => path) }
})

// --- internal ---

interface Candidate {
  readonly path: string
  readonly base: ObjectId
  readonly ours: ObjectId
  readonly theirs: ObjectId
}

/** Every path in conflict, or `null` when one of them is not a content conflict of a regular file with such a name. */
const candidatesOf = (
  outcome: StructuredMergeOptions["outcome"],
  names: ReadonlyArray<string>
): ReadonlyArray<Candidate> | null => {
  const groups = Map.groupBy(outcome.stages, (stage) => stage.path.toString("latin1"))
  if (groups.size === 0 || groups.size > structuredFilesMax) return null
  const saysMore = outcome.messages.some(
    (message) =>
      // An attribute such as `binary` says that this file is not to be merged, and is obeyed.
      message.text.includes("Cannot merge binary files") ||
      (message.type.startsWith("CONFLICT") &&
        (message.type !== "CONFLICT (contents)" ||
          message.paths.some((path) => !groups.has(path.toString("latin1")))))
  )
  if (saysMore) return null
  const candidates: Array<Candidate> = []
  for (const stages of groups.values()) {
    const bytes = stages[0]?.path ?? Buffer.alloc(0)
    const path = bytes.toString("utf8")
    if (!Buffer.from(path).equals(bytes) || !names.includes(path.slice(path.lastIndexOf("/") + 1)))
      return null
    if (stages.some(({ mode }) => mode !== "100644" && mode !== "100755")) return null
    const idOf = (stage: 1 | 2 | 3) => stages.find((found) => found.stage === stage)?.id ?? ""
    const [base, ours, theirs] = [idOf(1), idOf(2), idOf(3)]
    if (!isObjectId(base) || !isObjectId(ours) || !isObjectId(theirs)) return null
    candidates.push({ path, base, ours, theirs })
  }
  return candidates
}
