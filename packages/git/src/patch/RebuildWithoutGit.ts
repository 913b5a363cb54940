/**
 * The rebuild for machines without a git program: the same walk, the same quarantine, the same commit ids.
 *
 * Branches, packs and history are read by `isomorphic-git`, trees are merged here. What is missing: rename detection
 * (see `internal/withoutGit/mergeTreesPlain`), merge drivers and other attributes that decide merges (a file below such
 * attributes is a conflict when both sides changed it), merging of manifests by value, resolutions, reflogs, hooks, and
 * fetching what a partial clone lacks. SHA-256 repositories, reftables and borrowed objects are refused by name.
 */
import * as Effect from "effect/Effect"
import { type ObjectId, parseRef, parseRevision } from "../GitName.ts"
import { makeQuarantine, type Quarantine } from "../internal/quarantine.ts"
import { type Picked, type Pick as PickedCommit, walkStack } from "../internal/rebuildWalk.ts"
import { checkTrailers, trailersOf } from "../internal/trailers.ts"
import { commitsAbove, readCommitPlain } from "../internal/withoutGit/commitsAbove.ts"
import { describePlainConflict } from "../internal/withoutGit/describePlainConflict.ts"
import { diffPaths } from "../internal/withoutGit/diffPaths.ts"
import { makeHasMergeAttributes } from "../internal/withoutGit/mergeAttributes.ts"
import { mergeTreesPlain, type PlainMergePorts } from "../internal/withoutGit/mergeTreesPlain.ts"
import { moveRefsPlain, readBranchesPlain, resolveCommitPlain } from "../internal/withoutGit/plainRefs.ts"
import {
  type MissingObject,
  openPlainRepository,
  type PlainRepository
} from "../internal/withoutGit/plainRepository.ts"
import type { RefUpdate } from "../RefTransaction.ts"
import { NotARepository, RevisionNotFound } from "../Repository.ts"
import { markedTextBytesMaxDefault } from "./Conflict.ts"
import { type PlannedPatch, planFrom } from "./PatchPlan.ts"
import type { QuarantineError } from "./QuarantineError.ts"
import type { RebuildOptions } from "./Rebuild.ts"
import type { RebuildResult } from "./RebuildResult.ts"

export { RefFileError } from "../internal/withoutGit/plainRefs.ts"
export { MissingObject, NeedsGit } from "../internal/withoutGit/plainRepository.ts"

/** As for `rebuild`, but the repository and the patches are found by folder and prefix. No resolver, no merge by values. */
export interface RebuildWithoutGitOptions
  extends Pick<
    RebuildOptions,
    "upstream" | "refs" | "landed" | "keepGoing" | "trailers" | "markedTextBytesMax"
  > {
  /** A folder inside the repository. */
  readonly directory: string
  /** An object id, or a branch or tag in short or full form; without `~` and `^`. */
  readonly onto: string
  /** Where the patch branches are. They are applied in the order of their names. (Default: `refs/heads/patch`.) */
  readonly prefix?: string
}

/**
 * Carries the patches over, as `rebuild` does, and needs nothing but files.
 *
 * Errors, after each of which nothing has moved: `NotARepository`, `NeedsGit`, `InvalidName`, `InvalidTrailer`,
 * `RevisionNotFound` (onto), `MergeCommitInPatch`, `PatchWithoutBase`, `StackTooLong`, `MissingObject`, `StaleRef`,
 * `BranchCheckedOut`, `RefFileError`, `QuarantineError`.
 */
export const rebuildWithoutGit = Effect.fn("RebuildWithoutGit.rebuild")(function* (
  options: RebuildWithoutGitOptions
) {
  const { directory } = options
  const refs = yield* Effect.forEach(options.refs ?? [], (given) =>
    Effect.map(parseRef(given.ref), (ref) => ({ ref, expected: given.expected }))
  )
  const revision = yield* parseRevision(options.onto)
  const prefix = yield* parseRef(options.prefix ?? "refs/heads/patch")
  const plain = yield* openPlainRepository(directory)
  if (plain === null) return yield* new NotARepository({ directory, detail: "no git folder was found" })
  const onto = yield* resolveCommitPlain(plain, revision)
  if (onto === null) return yield* new RevisionNotFound({ revision, directory })
  const patches = yield* readBranchesPlain(plain, prefix)
  yield* checkTrailers(patches, options.trailers)
  const tips = patches.map(({ tip }) => tip)
  const upstream = [onto, ...(options.upstream ?? [])]
  const planned = yield* planFrom(yield* commitsAbove({ plain, tips, upstream }), patches)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const quarantine = yield* makeQuarantine(plain.repository)
      const engine = yield* makeEngine({ plain, quarantine, onto, options })
      const walked = yield* walkStack<MissingObject | QuarantineError, never>({
        onto,
        planned,
        ...engine,
        landed: options.landed ?? new Map(),
        keepGoing: options.keepGoing ?? false,
        trailersOf: (patch) => trailersOf(patch, options.trailers)
      })
      if (walked._tag === "Conflicted") return walked
      yield* quarantine.migrate(walked.applied.flatMap(({ commits }) => commits.map(({ to }) => to)))
      const moved = refs.map((given): RefUpdate => ({ ...given, next: walked.tip }))
      yield* moveRefsPlain(plain, moved)
      const result: RebuildResult = { ...walked, moved }
      return result
    })
  )
})

// --- internal ---

/** Reads what was written in this rebuild as well, which the repository does not have yet. */
const makeEngine = (given: {
  readonly plain: PlainRepository
  readonly quarantine: Quarantine
  readonly onto: ObjectId
  readonly options: RebuildWithoutGitOptions
}) =>
  Effect.gen(function* () {
    const { plain, quarantine } = given
    const written = new Map<string, Buffer>()
    const read = (id: string) =>
      Effect.suspend(() => {
        const known = written.get(id)
        return known === undefined
          ? Effect.map(plain.read(id), ({ content }) => content)
          : Effect.succeed(known)
      })
    const write: Quarantine["write"] = (type, content) =>
      Effect.tap(quarantine.write(type, content), (id) => written.set(id, Buffer.from(content)))
    const commitOf = (commit: ObjectId) => readCommitPlain(plain, commit)
    const hasMergeAttributes = makeHasMergeAttributes({
      read,
      tree: (yield* commitOf(given.onto)).tree,
      commonDirectory: plain.repository.commonDirectory
    })
    const pick = ({ commit, parent, patch, subject, tip, trees }: PickedCommit) =>
      Effect.gen(function* () {
        const labels = { base: parent, ours: tip, theirs: commit }
        const ports: PlainMergePorts<MissingObject | QuarantineError> = {
          read,
          write,
          hasMergeAttributes,
          labels
        }
        const merged = yield* mergeTreesPlain(ports, trees)
        const markedTextBytesMax = given.options.markedTextBytesMax ?? markedTextBytesMaxDefault
        const picked: Picked =
          merged._tag === "Merged"
            ? { ...merged, structured: [], resolved: [] }
            : {
                _tag: "Conflict",
                conflict: describePlainConflict({
                  ...merged,
                  patch,
                  commit,
                  subject,
                  onto: given.onto,
                  markedTextBytesMax
                })
              }
        return picked
      })
    const pathsTouched = (planned: PlannedPatch) =>
      Effect.gen(function* () {
        const paths = new Set<string>()
        let { tree } = yield* commitOf(planned.base)
        for (const commit of planned.commits) {
          const next = (yield* commitOf(commit)).tree
          for (const path of yield* diffPaths(read, tree, next)) paths.add(path)
          tree = next
        }
        return paths
      })
    return {
      commitOf,
      pick,
      pathsTouched,
      writeCommit: (content: Buffer) => quarantine.write("commit", content)
    }
  })
