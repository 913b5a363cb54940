/**
 * Puts a conflict to a resolver and puts its answer into the merged tree.
 *
 * The answer counts only when it is whole: one usable entry for every path in conflict, each blob really there. Anything
 * else leaves the conflict as it was.
 */
import * as Effect from "effect/Effect"
import { isObjectId } from "../GitName.ts"
import type { ConflictSide } from "../patch/Conflict.ts"
import type { ConflictResolver, ResolvedFile, UnresolvedFile } from "../patch/ConflictResolver.ts"
import type { Repository } from "../Repository.ts"
import { readObjectSizes } from "./catFile.ts"
import type { MergeQuestion } from "./mergeEngine.ts"
import type { MergeOutcome } from "./mergeOutput.ts"
import type { Quarantine } from "./quarantine.ts"
import type { Pick } from "./rebuildWalk.ts"
import { editTree } from "./treeEdit.ts"

/** Conflicted files after which nobody is asked: a resolution of that many is not looked through by anybody. */
export const resolvedFilesMax = 200

export interface AskOptions {
  readonly resolver: ConflictResolver
  readonly repository: Repository
  readonly quarantine: Quarantine
  readonly outcome: Extract<MergeOutcome, { readonly clean: false }>
  /** The throw-away commits, whose ids git puts into the names of files that it had to move aside. */
  readonly labels: MergeQuestion
  readonly pick: Pick
}

/** The tree with the resolved files, and which resolution each came from; `null` when the conflict stands. */
export const askResolver = Effect.fnUntraced(function* (options: AskOptions) {
  const { repository, quarantine, pick } = options
  const files = unresolvedFilesOf(options)
  if (files === null) return null
  const answer = yield* options.resolver.resolve({
    repository,
    patch: pick.patch,
    commit: pick.commit,
    env: quarantine.env,
    files,
    write: (content) => quarantine.write("blob", content)
  })
  if (answer === null || !isWhole(files, answer.files)) return null
  const blobs = answer.files.flatMap(({ blob, mode }) =>
    blob === null || mode === submoduleMode ? [] : [blob]
  )
  const found = yield* readObjectSizes({ repository, env: quarantine.env, names: blobs })
  if (!found.every((object) => object?.type === "blob")) return null
  const edits = answer.files.map(({ path, blob, mode }) => ({
    path,
    entry: blob === null ? null : { mode, id: blob }
  }))
  const tree = yield* editTree({ repository, quarantine, tree: options.outcome.tree, edits })
  if (tree === null) return null
  return { tree, resolved: answer.files.map(({ path, resolution }) => ({ path, resolution })) }
})

/** Every path in conflict, or `null` when the conflict is not one of exact paths with what each side has there. */
export const unresolvedFilesOf = ({
  labels,
  outcome
}: Omit<
  AskOptions,
  "resolver" | "repository" | "quarantine" | "pick"
>): ReadonlyArray<UnresolvedFile> | null => {
  const groups = Map.groupBy(outcome.stages, ({ path }) => path.toString("latin1"))
  if (groups.size === 0 || groups.size > resolvedFilesMax) return null
  const hasStages = outcome.messages.every(
    ({ paths, type }) =>
      !type.startsWith("CONFLICT") || paths.some((path) => groups.has(path.toString("latin1")))
  )
  if (!hasStages) return null
  const files: Array<UnresolvedFile> = []
  for (const stages of groups.values()) {
    const bytes = stages[0]?.path ?? Buffer.alloc(0)
    const path = bytes.toString("utf8")
    const isMovedAside = [labels.ours, labels.theirs].some((label) => path.includes(`~${label}`))
    if (!Buffer.from(path).equals(bytes) || isMovedAside) return null
    const side = (number: 1 | 2 | 3): ConflictSide | null => {
      const stage = stages.find((found) => found.stage === number)
      return stage !== undefined && isObjectId(stage.id) ? { oid: stage.id, mode: stage.mode } : null
    }
    files.push({ path, base: side(1), ours: side(2), theirs: side(3) })
  }
  return files
}

// --- internal ---

const submoduleMode = "160000"
const modes = new Set(["100644", "100755", "120000", submoduleMode])

const isWhole = (files: ReadonlyArray<UnresolvedFile>, answers: ReadonlyArray<ResolvedFile>): boolean => {
  const asked = new Set(files.map(({ path }) => path))
  const answered = new Set(answers.map(({ path }) => path))
  const usable = answers.every(
    ({ blob, mode, path }) => asked.has(path) && (blob === null || modes.has(mode))
  )
  return usable && answers.length === answered.size && answered.size === asked.size
}
