/** Commits by their ids, each of them read and understood. */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ObjectId } from "../GitName.ts"
import { UnreadableCommit } from "../patch/UnreadableCommit.ts"
import type { Repository } from "../Repository.ts"
import { readObjects } from "./catFile.ts"
import { type CommitObject, parseCommit } from "./objectFormat.ts"

/** The commits in the order of their ids. */
export const readCommits = Effect.fnUntraced(function* (
  repository: Repository,
  names: ReadonlyArray<ObjectId>
) {
  const objects = yield* readObjects({ repository, names })
  return yield* Effect.forEach(names, (commitId, at): Effect.Effect<CommitObject, UnreadableCommit> => {
    const object = objects[at] ?? null
    const parsed = object === null ? Either.left("it is missing") : parseCommit(object.content)
    return Either.isRight(parsed)
      ? Effect.succeed(parsed.right)
      : Effect.fail(new UnreadableCommit({ commitId, detail: parsed.left }))
  })
})
