/** The commits of a patch, made anew for each part with the paths of that part alone. */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import type { PathGlob } from "../contract/PathGlob.ts"
import { GitError, textOf } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { EditSpace } from "../internal/editSpace.ts"
import { formatCommit, subjectOf } from "../internal/objectFormat.ts"
import { readCommits } from "../internal/readCommits.ts"
import { readTreeChanges, type TreeChange } from "../internal/treeChanges.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"
import { EditRefused } from "./EditRefused.ts"

/** Paths that one part tells. */
const toldPathsMax = 1_000

/** A part: without globs it takes what no other part does. */
export interface PathPart {
  readonly name: string
  readonly globs: ReadonlyArray<PathGlob>
}

/** Makes the commits of each part inside the space. `EditRefused` when a path is in no part, or a part without a path. */
export const splitByPaths = Effect.fnUntraced(function* (given: {
  readonly space: EditSpace
  readonly patch: PlannedPatch
  readonly parts: ReadonlyArray<PathPart>
}) {
  const { space, patch, parts } = given
  const { repository } = space
  const [base, ...commits] = yield* readCommits(repository, [patch.base, ...patch.commits])
  if (base === undefined) return []
  const pairs = commits.map((commit, at) => ({ from: (commits[at - 1] ?? base).tree, to: commit.tree }))
  const changes = yield* readTreeChanges({ repository, pairs })
  yield* checkParts({ patch, parts, changes: changes.flat() })
  return yield* Effect.forEach(parts, (part) =>
    Effect.gen(function* () {
      const index = yield* openIndex(space, base.tree, parts.indexOf(part))
      const created: Array<ObjectId> = []
      const subjects: Array<string> = []
      let parent = patch.base
      for (const [at, commit] of commits.entries()) {
        const own = (changes[at] ?? []).filter(({ path }) => partOf(parts, path) === part)
        if (own.length === 0) continue
        const tree = yield* index.apply(own)
        parent = yield* space.write("commit", formatCommit({ ...commit, tree, parents: [parent] }))
        created.push(parent)
        subjects.push(subjectOf(commit))
      }
      return { name: part.name, tip: parent, created, subjects, paths: pathsOf(parts, part, changes.flat()) }
    })
  )
})

/** The first line of each commit's message. */
export const subjectsOf = (repository: Repository, commits: ReadonlyArray<ObjectId>) =>
  Effect.map(readCommits(repository, commits), (found) => found.map(subjectOf))

// --- internal ---

/** The first part with a glob that meets the path, else the one that takes the rest. */
const partOf = (parts: ReadonlyArray<PathPart>, path: Uint8Array): PathPart | undefined =>
  parts.find(({ globs }) => globs.some((glob) => glob.matches(path))) ??
  parts.find(({ globs }) => globs.length === 0)

const checkParts = (given: {
  readonly patch: PlannedPatch
  readonly parts: ReadonlyArray<PathPart>
  readonly changes: ReadonlyArray<TreeChange>
}) => {
  const { patch, parts, changes } = given
  const refuse = (detail: string) =>
    Effect.fail(new EditRefused({ action: "split", reason: "incomplete", detail }))
  const left = changes.filter(({ path }) => partOf(parts, path) === undefined)
  if (left.length > 0) {
    const named = [...new Set(left.map(({ path }) => path.toString("utf8")))]
    const more = named.length > 20 ? ` and ${named.length - 20} more` : ""
    return refuse(
      `${named.slice(0, 20).join(", ")}${more} would be in none of the new patches; add one that takes the rest`
    )
  }
  const empty = parts.find((part) => !changes.some(({ path }) => partOf(parts, path) === part))
  return empty === undefined
    ? Effect.void
    : refuse(
        `${empty.name} would be empty: ${patch.name} changes no path for it that no part before it takes`
      )
}

const pathsOf = (
  parts: ReadonlyArray<PathPart>,
  part: PathPart,
  changes: ReadonlyArray<TreeChange>
): ReadonlyArray<string> => {
  const own = changes.filter(({ path }) => partOf(parts, path) === part)
  return [...new Set(own.map(({ path }) => path.toString("utf8")))].slice(0, toldPathsMax)
}

/** An index of its own, outside any work tree, that starts as the tree. */
const openIndex = (space: EditSpace, tree: ObjectId, number: number) =>
  Effect.gen(function* () {
    const cwd = space.repository.directory
    const empty = join(space.directory, "empty")
    yield* Effect.uninterruptible(Effect.promise(() => mkdir(empty, { recursive: true })))
    const env = { GIT_INDEX_FILE: join(space.directory, `index-${number}`), GIT_WORK_TREE: empty }
    const run = (args: ReadonlyArray<string>, stdin: Uint8Array = new Uint8Array()) =>
      space.git.run({ args, cwd, env, stdin })
    yield* run(["read-tree", tree])
    return {
      /** Makes the changes, and gives the tree. */
      apply: (changes: ReadonlyArray<TreeChange>) =>
        Effect.gen(function* () {
          // What goes comes first: a file may make place for a folder of its name.
          const ordered = [
            ...changes.filter(({ to }) => to === null),
            ...changes.filter(({ to }) => to !== null)
          ]
          yield* run(["update-index", "-z", "--index-info"], Buffer.concat(ordered.flatMap(indexLine)))
          const args = ["write-tree", "--missing-ok"]
          const written = textOf((yield* run(args)).stdout).trim()
          if (isObjectId(written)) return written
          return yield* new GitError({ args, cwd, reason: "protocol", exitCode: 0, stderr: "no tree id" })
        })
    }
  })

const indexLine = ({ path, from, to }: TreeChange): ReadonlyArray<Uint8Array> => {
  const { mode, id } = to ?? { mode: "0", id: "0".repeat(from?.id.length ?? 40) }
  return [Buffer.from(`${mode} ${id}\t`), path, Buffer.from([0])]
}
