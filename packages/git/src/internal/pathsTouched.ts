/** Which paths the commits of a stack change: one question to git for all of them. */
import * as Effect from "effect/Effect"
import { Git } from "../Git.ts"
import { isObjectId, type ObjectId } from "../GitName.ts"
import type { PlannedPatch } from "../patch/PatchPlan.ts"
import type { Repository } from "../Repository.ts"
import { wholeDiff } from "./diffs.ts"

/** Paths by commit, both names of a renamed file; each path with one byte for each character. Reads trees only. */
export const readPathsTouched = Effect.fnUntraced(function* (
  repository: Repository,
  patches: ReadonlyArray<PlannedPatch>
) {
  const commits = patches.flatMap((patch) => patch.commits)
  const paths = new Map<ObjectId, Set<string>>()
  if (commits.length === 0) return paths
  const git = yield* Git
  const output = yield* git.run({
    args: ["diff-tree", "--stdin", "-r", "-z", "--raw", "--no-renames", "--root", wholeDiff],
    cwd: repository.directory,
    stdin: `${commits.join("\n")}\n`
  })
  let current = new Set<string>()
  const fields = Buffer.from(output.stdout).toString("latin1").split("\0")
  for (let at = 0; at < fields.length; at++) {
    const field = fields[at] ?? ""
    if (field.startsWith(":")) {
      // The path of a change comes after its modes and ids, so it is never taken for a commit.
      at += 1
      current.add(fields[at] ?? "")
    } else if (isObjectId(field)) {
      current = new Set()
      paths.set(field, current)
    }
  }
  return paths
})

/** The paths of one patch. */
export const pathsOf = (paths: ReadonlyMap<ObjectId, ReadonlySet<string>>, patch: PlannedPatch) =>
  new Set(patch.commits.flatMap((commit) => [...(paths.get(commit) ?? [])]))
