/**
 * The checks at one tree after the other, each answered from the cache where that is allowed, and run where it is not.
 *
 * A work tree is made when the first check that needs one has to run. The checks of the sequence that come before it then
 * run again, because it finds what they leave; their answers are compared with the ones that are known.
 */
import { dirname } from "node:path"
import * as Effect from "effect/Effect"
import type { ObjectId } from "../GitName.ts"
import { makeTemporaryFolder } from "../internal/temporaryFolder.ts"
import type { Repository } from "../Repository.ts"
import { makeWorktree } from "../Worktree.ts"
import type { Check, CheckRun } from "./Check.ts"
import type { CheckCache, CheckQuestion, KeptAnswer } from "./CheckCache.ts"
import { type CheckResult, runChecks } from "./Checks.ts"
import type { Toolchain } from "./Toolchain.ts"

/** A commit and its tree. */
export interface CheckPoint {
  readonly commit: ObjectId
  readonly tree: ObjectId
}

interface TreeChecksOptions {
  readonly repository: Repository
  readonly checks: ReadonlyArray<Check>
  readonly toolchain: Toolchain
  readonly cache: CheckCache
  /** Whether answers of earlier runs may be used. New ones are kept in both cases. */
  readonly reuse: boolean
  /** Time of each check, in milliseconds. */
  readonly timeoutMillis: number
  readonly outputBytesMax: number
  /** Told after each answer. */
  readonly onRun: (run: CheckRun) => Effect.Effect<void>
}

/** What is asked at one tree. */
export interface TreeChecksAsked {
  readonly point: CheckPoint
  /** How many checks of the list are asked, from the first. */
  readonly count: number
  /** Run them whatever is known. */
  readonly anew?: boolean
  /** Whether the checks after this one are still of interest. */
  readonly goOn: (at: number, run: CheckRun) => boolean
}

/** Gives a function that answers. Within it, the same tree is not run twice unless `anew` says so. */
export const makeTreeChecks = (options: TreeChecksOptions) => {
  const answered = new Map<string, KeptAnswer | CheckResult>()
  const known = (question: CheckQuestion, here: boolean) =>
    Effect.gen(function* () {
      const before = answered.get(JSON.stringify(question))
      if (before !== undefined) return before
      return here ? yield* options.cache.read(question) : null
    })
  const runAnew = (asked: Asked, directory: string) =>
    Effect.gen(function* () {
      const { check, point, question } = asked
      const { repository, toolchain, timeoutMillis, outputBytesMax } = options
      const env = { ...toolchain.environment, ...(check.kind === "tree" ? treeEnv(repository, point) : {}) }
      const commands = [check.command]
      const [result] = yield* runChecks({ directory, commands, timeoutMillis, outputBytesMax, env })
      if (result === undefined) return yield* Effect.dieMessage("runChecks told nothing of its command")
      const before = yield* known(question, true)
      const answer = beside(before !== null && "version" in before ? before : null, question, result)
      answered.set(JSON.stringify(question), answer)
      if ("version" in answer) yield* options.cache.write(question, answer)
      return runOf(answer, point, false)
    })
  return (given: TreeChecksAsked) => Effect.scoped(askInOrder(options, given, { known, runAnew }))
}

// --- internal ---

interface Asked {
  readonly check: Check
  readonly point: CheckPoint
  readonly question: CheckQuestion
}

interface Ways<E, R> {
  readonly known: (question: CheckQuestion, here: boolean) => Effect.Effect<KeptAnswer | CheckResult | null>
  readonly runAnew: (asked: Asked, directory: string) => Effect.Effect<CheckRun, E, R>
}

const askInOrder = <E, R>(
  options: TreeChecksOptions,
  given: TreeChecksAsked,
  { known, runAnew }: Ways<E, R>
) =>
  Effect.gen(function* () {
    const { checks, repository, reuse, onRun } = options
    const { anew = false, point } = given
    const runs: Array<CheckRun> = []
    const asked = (check: Check, at: number): Asked => ({
      check,
      point,
      question: questionOf(options, point, at)
    })
    let workTree: string | null = null
    for (const [at, check] of checks.slice(0, given.count).entries()) {
      const each = asked(check, at)
      const mayReuse = !anew && (workTree === null || check.kind === "tree")
      const answer = mayReuse ? yield* known(each.question, reuse) : null
      const isKnown = answer !== null && !("flaky" in answer && answer.flaky)
      if (isKnown) runs.push(runOf(answer, point, true))
      else if (check.kind === "tree") {
        runs.push(yield* Effect.scoped(Effect.flatMap(emptyFolder, (folder) => runAnew(each, folder))))
      } else {
        if (workTree === null) {
          workTree = (yield* makeWorktree({ repository, commit: point.commit })).directory
          for (const [earlier, one] of checks.slice(0, at).entries()) {
            if (one.kind === "worktree") runs[earlier] = yield* runAnew(asked(one, earlier), workTree)
          }
        }
        runs.push(yield* runAnew(each, workTree))
      }
      const run = runs[at]
      if (run === undefined) break
      yield* onRun(run)
      if (!given.goOn(at, run)) break
    }
    return runs
  })

const emptyFolder = makeTemporaryFolder("patchmoi-check-")

const treeEnv = (repository: Repository, { tree }: CheckPoint) => ({
  GIT_DIR: repository.gitDirectory,
  GIT_CEILING_DIRECTORIES: dirname(repository.gitDirectory),
  GIT_OPTIONAL_LOCKS: "0",
  PATCHMOI_TREE: tree
})

const questionOf = (
  { checks, toolchain }: TreeChecksOptions,
  { tree }: CheckPoint,
  at: number
): CheckQuestion => {
  const kind = checks[at]?.kind ?? "worktree"
  const sequence = checks.slice(kind === "tree" ? at : 0, at + 1).filter((check) => check.kind === kind)
  return { tree, kind, commands: sequence.map((check) => check.command), toolchain: toolchain.digest }
}

/** The new result beside what was known: whether it is the same answer again, or another one. */
const beside = (
  before: KeptAnswer | null,
  { tree, toolchain }: CheckQuestion,
  result: CheckResult
): KeptAnswer | CheckResult => {
  const { outcome } = result
  if (outcome === "timeout") return result
  const isSame = before?.result.outcome === outcome
  return {
    version: 1,
    tree,
    toolchain,
    result: { ...result, outcome },
    times: isSame ? before.times + 1 : 1,
    flaky: before !== null && (before.flaky || !isSame)
  }
}

const runOf = (answer: KeptAnswer | CheckResult, { commit, tree }: CheckPoint, cached: boolean): CheckRun =>
  "version" in answer
    ? { ...answer.result, at: commit, tree, cached, flaky: answer.flaky, times: answer.times }
    : { ...answer, at: commit, tree, cached, flaky: false, times: 1 }
