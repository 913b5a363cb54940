/** Planning a branch at a remote, and the tag that keeps what it loses. */
import * as Effect from "effect/Effect"
import { Git } from "../Git.ts"
import { type ObjectId, parseRef, parseTag, type RefName, type RemoteName, shortName } from "../GitName.ts"
import { type Repository, readRef } from "../Repository.ts"
import { fetchMissing } from "./fetchMissing.ts"
import { type PlannedRef, recoveryPrefix } from "./PlannedRef.ts"

/** Where the last commit is kept that was pushed from here to a branch of a remote. The flow keeps it there as well. */
export const pushedRefOf = (remote: RemoteName, branch: RefName) =>
  parseRef(`refs/patchmoi/pushed/${remote}/${shortName(branch)}`)

/** The branch as it is to be, and a recovery tag before it where it loses commits. */
export const planBranch = Effect.fnUntraced(function* (given: {
  readonly repository: Repository
  readonly remote: RemoteName
  readonly there: ReadonlyMap<string, ObjectId>
  readonly commit: ObjectId
  readonly ref: RefName
  readonly timeoutMillis?: number
}) {
  const { commit, ref, remote, repository, there } = given
  const expected = there.get(ref) ?? null
  const branch = { ref, kind: "branch", expected, next: commit, overwrites: false, foreign: false } as const
  const alone = (action: PlannedRef["action"]): ReadonlyArray<PlannedRef> => [{ ...branch, action }]
  if (expected === null) return alone("create")
  if (expected === commit) return alone("keep")
  // To tell whether anything is lost, and to be kept by a tag.
  yield* fetchMissing({ ...given, object: expected })
  if (yield* contains(repository, commit, expected)) return alone("move")
  const pushed = yield* readRef({ repository, ref: yield* pushedRefOf(remote, ref) })
  const recovery = yield* planRecovery(there, ref, expected)
  const moved: ReadonlyArray<PlannedRef> = [
    recovery,
    { ...branch, action: "move", overwrites: true, foreign: pushed !== expected }
  ]
  return moved
})

// --- internal ---

/** Digits of the id in the name of a recovery tag. */
const shortIdLength = 12

const planRecovery = (there: ReadonlyMap<string, ObjectId>, branch: RefName, old: ObjectId) =>
  Effect.gen(function* () {
    const home = `${recoveryPrefix}${shortName(branch)}`
    const short = yield* parseTag(`${home}/${old.slice(0, shortIdLength)}`)
    const taken = (there.get(short) ?? old) !== old
    const ref = taken ? yield* parseTag(`${home}/${old}`) : short
    const found = there.get(ref) ?? null
    const recovery: PlannedRef = {
      ref,
      kind: "recovery",
      expected: found,
      next: old,
      action: found === null ? "create" : "keep",
      overwrites: false,
      foreign: false
    }
    return recovery
  })

const contains = (repository: Repository, commit: ObjectId, old: ObjectId) =>
  Effect.gen(function* () {
    const git = yield* Git
    const args = ["merge-base", "--is-ancestor", old, commit]
    const { exitCode } = yield* git.run({ args, cwd: repository.directory, okExitCodes: [0, 1] })
    return exitCode === 0
  })
