/** Answers a rebuild's conflicts out of the stored resolutions, and says of a result which answers it rests on. */
import * as Effect from "effect/Effect"
import { isObjectId, type ObjectId } from "../GitName.ts"
import { readObjectSizes, readObjects } from "../internal/catFile.ts"
import type { ConflictResolver, ResolvedFile, ResolverQuestion } from "../patch/ConflictResolver.ts"
import type { RebuildResult } from "../patch/RebuildResult.ts"
import type { Repository } from "../Repository.ts"
import {
  contentBytesMax,
  hasMarkers,
  type ResolutionPolicy,
  resolutionPolicyDefault,
  type StoredResolution
} from "./Resolution.ts"
import { findResolutions } from "./ResolutionStore.ts"

/** Which stored resolutions may answer conflicts. With `reuse: "never"` and no `only`, none may. */
export interface ResolverOptions {
  readonly repository: Repository
  /** What the maintainer allows. (Default: use and label, never push unasked.) */
  readonly policy?: ResolutionPolicy
  /** Use only these resolutions, whatever the policy says: those that a person has just made. (Default: the policy decides.) */
  readonly only?: ReadonlySet<string>
}

/** A resolver for `Rebuild.rebuild`. It answers when it knows a resolution for every file of the conflict. */
export const makeResolver = (options: ResolverOptions): ConflictResolver => {
  const policy = options.policy ?? resolutionPolicyDefault
  const isAllowed = ({ id }: StoredResolution) => options.only?.has(id) ?? policy.reuse === "label"
  return {
    resolve: (question) =>
      Effect.gen(function* () {
        if (policy.reuse === "never" && options.only === undefined) return null
        const { repository } = options
        const found = yield* findResolutions({ repository, files: question.files })
        const files: Array<ResolvedFile> = []
        for (const [at, candidates] of found.entries()) {
          const answer = yield* answerOf(question, at, candidates.filter(isAllowed))
          if (answer === null) return null
          files.push(answer)
        }
        return { files }
      })
  }
}

/** One use of a stored resolution. */
export interface ReusedResolution {
  readonly patch: string
  /** The commit on the patch branch. */
  readonly commit: ObjectId
  readonly path: string
  /** Id of the resolution. */
  readonly resolution: string
}

/** Every use of a stored resolution in the result, in the order of the stack. */
export const reusedResolutions = (result: Pick<RebuildResult, "applied">): ReadonlyArray<ReusedResolution> =>
  result.applied.flatMap(({ commits, patch }) =>
    commits.flatMap(({ from, resolved }) => resolved.map((each) => ({ patch, commit: from, ...each })))
  )

/**
 * What keeps the result from being pushed by itself: the reused resolutions, unless the policy lets them through. An empty
 * list means that nothing here is in the way. A person's word for the push is beyond the policy.
 */
export const heldBack = (
  result: Pick<RebuildResult, "applied">,
  policy: ResolutionPolicy
): ReadonlyArray<ReusedResolution> => (policy.push ? [] : reusedResolutions(result))

// --- internal ---

/** The first of the resolutions that can be used, as an answer. */
const answerOf = (question: ResolverQuestion, at: number, candidates: ReadonlyArray<StoredResolution>) =>
  Effect.gen(function* () {
    const file = question.files[at]
    if (file === undefined) return null
    for (const { id, resolution } of candidates) {
      const { result } = resolution
      const answer = { path: file.path, resolution: id }
      if (result === null) return { ...answer, blob: null, mode: "" }
      if (!isPlausibleMode(result.mode, file)) continue
      if (result.mode === "160000") return { ...answer, blob: result.oid, mode: result.mode }
      const content = yield* readContent(question.repository, result.oid)
      if (content === null) continue
      const sides = [file.base, file.ours, file.theirs].flatMap((side) => (side === null ? [] : [side.oid]))
      const versions = yield* readVersions(question, sides)
      if (!hasMarkers(content, versions)) return { ...answer, blob: result.oid, mode: result.mode }
    }
    return null
  })

/** A symlink or a submodule comes only out of a conflict that had one: a stored file never becomes a link elsewhere. */
const isPlausibleMode = (mode: string, file: ResolverQuestion["files"][number]): boolean =>
  mode.startsWith("100") || [file.base, file.ours, file.theirs].some((side) => side?.mode === mode)

const readContent = (repository: Repository, oid: ObjectId) =>
  Effect.gen(function* () {
    const [size] = yield* readObjectSizes({ repository, names: [oid] })
    if (size?.type !== "blob" || size.size > contentBytesMax) return null
    const [object] = yield* readObjects({ repository, names: [oid] })
    return object?.content ?? null
  })

const readVersions = ({ env, repository }: ResolverQuestion, names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sizes = yield* readObjectSizes({ repository, env, names: names.filter(isObjectId) })
    const small = sizes.flatMap((found) =>
      found?.type === "blob" && found.size <= contentBytesMax ? [found.id] : []
    )
    const objects = yield* readObjects({ repository, env, names: small })
    return objects.flatMap((object) => (object === null ? [] : [object.content]))
  })
