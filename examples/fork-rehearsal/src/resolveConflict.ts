/** A person resolves a conflict: in a work tree beside the fork, so that nobody's checkout is touched. */
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { dimmedLampOn2 } from "./fork.ts"
import { git } from "./git.ts"
import { good, tell } from "./narrator.ts"
import type { Places } from "./places.ts"

/** Makes the patch fit the release. */
export const resolveConflict = async ({ fork, root }: Places, tag: string): Promise<void> => {
  const place = join(root, "resolve")
  await git(fork, "worktree", "add", "--quiet", place, "patch/030-dim")
  const release = await git(fork, "rev-parse", `refs/patchmoi/tags/upstream/${tag}`)
  await git(place, "rebase", "--quiet", "--onto", release, "v1.0.0").catch(() => "it stops at the conflict")
  await writeFile(join(place, "src/lamp.js"), dimmedLampOn2)
  await git(place, "add", "src/lamp.js")
  await git(place, "-c", "core.editor=true", "rebase", "--continue")
  await git(fork, "worktree", "remove", place)
  tell("a person keeps upstream's words and the fork's brightness")
  good("patch/030-dim fits 2.0.0")
}
