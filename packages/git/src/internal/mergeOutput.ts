/**
 * The output of `git merge-tree --write-tree -z`, read field by field (git-merge-tree(1), OUTPUT).
 *
 * One merge:     `<tree>\0 (<mode> <oid> <stage>\t<path>\0)* [\0 (<n>\0 <path>\0 × n <type>\0 <message>\0)*]`
 * With `--stdin`: `<1 clean | 0 conflicts>\0` in front and one more `\0` behind. The status is inverted against the
 * exit code of a single merge.
 */
import * as Effect from "effect/Effect"
import { isObjectId, type ObjectId } from "../GitName.ts"

/** One side's version of a conflicted path. */
export interface MergeStage {
  readonly mode: string
  readonly id: string
  readonly stage: 1 | 2 | 3
  readonly path: Buffer
}

/** What git says about some paths: `type` is stable, `text` is for people. */
export interface MergeMessage {
  readonly paths: ReadonlyArray<Buffer>
  readonly type: string
  readonly text: string
}

/** A merge that gave a tree, or a tree with conflict markers and what is known about the conflicts. */
export type MergeOutcome =
  | { readonly clean: true; readonly tree: ObjectId }
  | {
      readonly clean: false
      readonly tree: ObjectId
      readonly stages: ReadonlyArray<MergeStage>
      readonly messages: ReadonlyArray<MergeMessage>
    }

/** Conflicted paths after which the rest is not read: a merge of unrelated trees would list everything. */
export const stagesMax = 30_000

/** Reads the next field; `undefined` when there is none. */
export type NextField<E> = Effect.Effect<Buffer, E>

/** Reads one record of `--stdin` output. `malformed` makes the failure for output that is something else. */
export const readStreamRecord = <E>(next: NextField<E>, malformed: (what: string) => E) =>
  Effect.gen(function* () {
    const status = (yield* next).toString("latin1")
    if (status !== "0" && status !== "1") return yield* Effect.fail(malformed("a record without status"))
    const tree = yield* readTree(next, malformed)
    if (status === "0") return yield* readConflict(next, malformed, tree)
    if ((yield* next).length !== 0) return yield* Effect.fail(malformed("a clean record that goes on"))
    return { clean: true, tree } satisfies MergeOutcome
  })

/** Reads the output of one merge that ended with exit code 1. Without a tree in front it is no conflict. */
export const readSingleConflict = <E>(next: NextField<E>, malformed: (what: string) => E) =>
  Effect.flatMap(readTree(next, malformed), (tree) => readConflict(next, malformed, tree))

/** Reads the id of the merged tree. */
export const readTree = <E>(next: NextField<E>, malformed: (what: string) => E) =>
  Effect.flatMap(next, (field) => {
    const tree = field.toString("latin1")
    return isObjectId(tree) ? Effect.succeed(tree) : Effect.fail(malformed("no tree id"))
  })

// --- internal ---

const submoduleAdvice = "Recursive merging with submodules"

const readConflict = <E>(next: NextField<E>, malformed: (what: string) => E, tree: ObjectId) =>
  Effect.gen(function* () {
    const stages: Array<MergeStage> = []
    for (;;) {
      const field = yield* next
      if (field.length === 0) break
      const stage = parseStage(field)
      if (stage === undefined || stages.length >= stagesMax)
        return yield* Effect.fail(malformed("a bad stage line"))
      stages.push(stage)
    }
    const messages: Array<MergeMessage> = []
    for (;;) {
      const field = yield* next
      // Git 2.38 to 2.4x prints advice about submodules behind the messages, and ends it with the closing NUL.
      if (field.length === 0 || field.toString("latin1").startsWith(submoduleAdvice)) break
      const count = Number(field.toString("latin1"))
      if (!Number.isInteger(count) || count < 0 || count > stagesMax) {
        return yield* Effect.fail(malformed("a bad path count"))
      }
      const paths: Array<Buffer> = []
      for (let at = 0; at < count; at++) paths.push(yield* next)
      messages.push({ paths, type: (yield* next).toString("utf8"), text: (yield* next).toString("utf8") })
    }
    return { clean: false, tree, stages, messages } satisfies MergeOutcome
  })

const parseStage = (field: Buffer): MergeStage | undefined => {
  const tab = field.indexOf(9)
  const match = /^(\d{6}) ([0-9a-f]{40,64}) ([123])$/.exec(field.toString("latin1", 0, Math.max(tab, 0)))
  if (match === null) return undefined
  const stage = match[3] === "1" ? 1 : match[3] === "2" ? 2 : 3
  return { mode: match[1] ?? "", id: match[2] ?? "", stage, path: field.subarray(tab + 1) }
}
