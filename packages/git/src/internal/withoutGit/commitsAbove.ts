/**
 * The commits that some tips reach and upstream does not, as `git rev-list <tips> --not <upstream>` finds them: newest first,
 * until everything that is left is upstream's and older than what was found.
 */
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import type { ObjectId } from "../../GitName.ts"
import { stackCommitsMax } from "../../patch/PatchPlan.ts"
import { type CommitObject, parseCommit } from "../objectFormat.ts"
import { MissingObject, type PlainRepository } from "./plainRepository.ts"

/** A commit of the repository, where a shallow clone ends without parents. */
export const readCommitPlain = (
  plain: PlainRepository,
  id: ObjectId
): Effect.Effect<CommitObject, MissingObject> =>
  Effect.flatMap(plain.read(id), ({ type, content }) => {
    const parsed = type === "commit" ? parseCommit(content) : Either.left(`it is a ${type}`)
    if (Either.isLeft(parsed)) return new MissingObject({ objectId: id, detail: parsed.left })
    return Effect.succeed(plain.shallow.has(id) ? { ...parsed.right, parents: [] } : parsed.right)
  })

/** Parents of every commit above upstream; at most one more than `stackCommitsMax`. */
export const commitsAbove = (options: {
  readonly plain: PlainRepository
  readonly tips: ReadonlyArray<ObjectId>
  readonly upstream: ReadonlyArray<ObjectId>
}): Effect.Effect<ReadonlyMap<string, ReadonlyArray<ObjectId>>, MissingObject> =>
  Effect.gen(function* () {
    const seen = new Map<string, Seen>()
    const queue: Array<Seen> = []
    const found = new Map<string, Seen>()
    const add = (id: ObjectId, upstreams: boolean) =>
      Effect.gen(function* () {
        const known = seen.get(id)
        if (known !== undefined) {
          if (upstreams) markUpstreams(seen, found, known)
          return
        }
        const commit = yield* readCommitPlain(options.plain, id)
        const made: Seen = { id, parents: commit.parents, seconds: secondsOf(commit), upstreams, done: false }
        seen.set(id, made)
        queue.push(made)
      })
    for (const id of options.upstream) yield* add(id, true)
    for (const id of options.tips) yield* add(id, false)
    while (queue.length > 0) {
      const next = takeNewest(queue)
      next.done = true
      if (!next.upstreams) found.set(next.id, next)
      if (found.size > stackCommitsMax) break
      for (const parent of next.parents) yield* add(parent, next.upstreams)
      const oldest = [...found.values()].reduce(
        (least, { seconds }) => Math.min(least, seconds),
        Number.POSITIVE_INFINITY
      )
      if (queue.every(({ upstreams, seconds }) => upstreams && seconds < oldest)) break
    }
    return new Map([...found].map(([id, { parents }]) => [id, parents]))
  })

// --- internal ---

interface Seen {
  readonly id: ObjectId
  readonly parents: ReadonlyArray<ObjectId>
  /** The committer's date, in seconds of the epoch. */
  readonly seconds: number
  upstreams: boolean
  done: boolean
}

const secondsOf = ({ committer }: CommitObject): number =>
  Number(/ (\d+) [+-]\d{4}$/.exec(committer.toString("latin1"))?.[1] ?? 0)

/** What upstream reaches is upstream's, also where a wrong clock made us see it too late. */
const markUpstreams = (seen: ReadonlyMap<string, Seen>, found: Map<string, Seen>, from: Seen): void => {
  const left = [from]
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    if (at.upstreams) continue
    at.upstreams = true
    found.delete(at.id)
    if (at.done) left.push(...at.parents.flatMap((id) => seen.get(id) ?? []))
  }
}

const takeNewest = (queue: Array<Seen>): Seen => {
  let best = 0
  for (let at = 1; at < queue.length; at++) {
    if ((queue[at]?.seconds ?? 0) > (queue[best]?.seconds ?? 0)) best = at
  }
  const [newest] = queue.splice(best, 1)
  if (newest === undefined) throw new Error("the queue is empty")
  return newest
}
