/** A person resolves a conflict: in a work tree of its own, so that nobody's checkout is touched. */
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { git } from "@patchmoi/example-rehearsal/git"
import { good, insist, quote, tell } from "@patchmoi/example-rehearsal/narrator"
import { needsAttention, patchmoi } from "./patchmoi.ts"
import type { Places } from "./places.ts"

/** What is decided about the file in conflict. */
export interface Decision {
  readonly path: string
  readonly text: string
  /** Why, for whoever reviews it. */
  readonly note: string
}

/** Opens the conflict of a release, decides it, and hands the decision back: it is stored and used from then on. */
export const resolveConflict = async (
  { fork, root }: Places,
  tag: string,
  { note, path, text }: Decision
): Promise<void> => {
  const place = join(root, "resolve")
  const onto = ["--onto", `refs/patchmoi/tags/upstream/${tag}`, "--to", `candidate/${tag}`]
  await patchmoi(fork, ["patch", "resolve", ...onto, "--dir", place], { exitCode: needsAttention })
  const marked = await readFile(join(place, path), "utf8")
  insist(marked.includes("<<<<<<<"), `${path} has no conflict to look at`)
  quote(marked)
  await writeFile(join(place, path), text)
  await git(place, "add", path)
  tell(note)
  const author = "Rehearsal <rehearsal@example.invalid>"
  await patchmoi(fork, ["patch", "continue", "--author", author, "--note", note])
  good(`${path} is resolved, and the resolution is stored under refs/patchmoi/resolutions`)
}
