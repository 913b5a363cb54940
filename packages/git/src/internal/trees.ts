/** The trees of commits. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import { readObjects } from "./catFile.ts"
import { parseCommit } from "./objectFormat.ts"

/** The tree of each commit. One that is missing or cannot be read is absent. */
export const readTrees = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly commits: ReadonlyArray<ObjectId>
}) {
  const names = [...new Set(options.commits)]
  const objects = yield* readObjects({ repository: options.repository, names })
  return new Map(
    names.flatMap((commit, at) => {
      const object = objects[at] ?? null
      const parsed = object?.type === "commit" ? parseCommit(object.content) : Either.left("no commit")
      return Either.isRight(parsed) ? [[commit, parsed.right.tree] as const] : []
    })
  )
})

/** The trees below and at the top of each patch. A patch with a tree that cannot be read is left out. */
export const readPatchTrees = Effect.fnUntraced(function* (
  repository: Repository,
  patches: ReadonlyArray<{ readonly name: string; readonly base: ObjectId; readonly tip: ObjectId }>
) {
  const trees = yield* readTrees({ repository, commits: patches.flatMap(({ base, tip }) => [base, tip]) })
  return patches.flatMap(({ name, base, tip }) => {
    const [from, to] = [trees.get(base), trees.get(tip)]
    return from === undefined || to === undefined ? [] : [{ name, from, to }]
  })
})
