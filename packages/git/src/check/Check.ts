/**
 * What a check is, and how it went at one tree.
 *
 * 1. A check of kind `worktree` runs in a temporary work tree of the commit. The checks of this kind are a sequence: each
 *    finds what those before it left (an installation, a build).
 * 2. A check of kind `tree` only reads. It runs in an empty folder with `GIT_DIR` and `PATCHMOI_TREE` (the tree's id) set,
 *    so that `git grep PATTERN "$PATCHMOI_TREE"` needs no checkout. It stands alone, wherever it is in the list.
 */
import * as Schema from "effect/Schema"
import { ObjectId } from "../GitName.ts"
import { CheckResult } from "./Checks.ts"

/** Checks of one run. */
export const checksMax = 100

/** Longest command line of a check, in UTF-16 units. */
export const checkCommandLengthMax = 16 * 1024

/** Where a check runs. `worktree`: in a checkout that it shares with those before it. `tree`: alone, in an empty folder. */
export const CheckKind = Schema.Literal("worktree", "tree")
export type CheckKind = typeof CheckKind.Type

/** One check, as the operator writes it down. */
export const Check = Schema.Struct({
  /** A line for `/bin/sh`. */
  command: Schema.String.pipe(
    Schema.maxLength(checkCommandLengthMax),
    Schema.filter((line) => (line.trim() !== "" && !line.includes("\0")) || "a command line")
  ),
  /** (Default: `worktree`.) */
  kind: Schema.optionalWith(CheckKind, { default: () => "worktree" })
})
export type Check = typeof Check.Type

/** One answer of a check at one tree. */
export const CheckRun = Schema.Struct({
  ...CheckResult.fields,
  /** The commit that was checked out, or that the answer in the cache is used for. */
  at: ObjectId,
  tree: ObjectId,
  /** True when nothing ran: the answer is that of an earlier run at the same tree. */
  cached: Schema.Boolean,
  /** True when the check has both passed and failed at this tree, now or earlier. Its answer proves nothing. */
  flaky: Schema.Boolean,
  /** How often this answer was given in a row at this tree, this time included. */
  times: Schema.Int
})
export type CheckRun = typeof CheckRun.Type

/** Whether the check passed. Over its time is not passed. */
export const isPassed = (run: Pick<CheckRun, "outcome">): boolean => run.outcome === "passed"
