/**
 * The port by which a rebuild asks for earlier resolutions, when neither git nor the merge of values can help.
 *
 * The rebuild asks about a whole commit: either every path in conflict has an answer, or the conflict stands. What is
 * answered becomes part of the commit and is labelled there (`AppliedCommit.resolved`), so that nobody takes it for
 * a merge by git.
 */
import type * as Effect from "effect/Effect"
import type { Git, GitError } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import type { Repository } from "../Repository.ts"
import type { ConflictSide } from "./Conflict.ts"
import type { QuarantineError } from "./QuarantineError.ts"

/** One path in conflict with what each side has there; `null` where a side has no such path. */
export interface UnresolvedFile {
  /** From the top of the tree, exact: a commit with a path that is not UTF-8 is never asked about. */
  readonly path: string
  readonly base: ConflictSide | null
  readonly ours: ConflictSide | null
  readonly theirs: ConflictSide | null
}

/** What to put at one path. */
export interface ResolvedFile {
  /** One of the paths that were asked about. */
  readonly path: string
  /** A blob of the repository, or one that `write` made; `null` takes the path out of the tree. */
  readonly blob: ObjectId | null
  /** Git's file mode: 100644, 100755, 120000 (symlink) or 160000 (submodule). Of no matter when `blob` is `null`. */
  readonly mode: string
  /** Id of the resolution, for the report. */
  readonly resolution: string
}

/** The conflict of one commit, as it is put to a resolver. */
export interface ResolverQuestion {
  readonly repository: Repository
  /** Short name of the patch branch. */
  readonly patch: string
  /** The commit that does not apply. */
  readonly commit: ObjectId
  /** Variables that make git see the objects of the rebuild, which are not in the repository yet. */
  readonly env: Readonly<Record<string, string>>
  readonly files: ReadonlyArray<UnresolvedFile>
  /** Writes a blob beside the rebuild's other objects. It reaches the repository only with a commit that uses it. */
  readonly write: (content: Uint8Array) => Effect.Effect<ObjectId, QuarantineError>
}

/** Knows earlier resolutions. */
export interface ConflictResolver {
  /** Gives one answer for each file, or `null` when it has none for some of them: the conflict then stands. */
  readonly resolve: (
    given: ResolverQuestion
  ) => Effect.Effect<{ readonly files: ReadonlyArray<ResolvedFile> } | null, GitError | QuarantineError, Git>
}
