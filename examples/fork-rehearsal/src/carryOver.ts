/** What happens at a release, as the flow `maintain-fork` does it: carry over, check, write the candidate. */

import { git } from "@patchmoi/example-rehearsal/git"
import { attention, good, insist, tell } from "@patchmoi/example-rehearsal/narrator"
import type { FlowResult } from "@patchmoi/sdk"
import { maintainFork } from "@patchmoi/sdk/git"
import type { Places } from "./places.ts"

/** The operator's word: one check, and nothing is pushed by itself. */
const config = { repository: "fork", checks: ["bun src/check.js"] }

/** Carries the patches over to a release of upstream, and tells how it ended. */
export const carryOver = async ({ root }: Places, tag: string): Promise<FlowResult> => {
  const movement = { kind: "release", repo: "upstream/lamp", tag } as const
  const result = await maintainFork({ workspace: root, movement, config, onProgress: () => {} })
  const show = result.status === "changed" || result.status === "completed" ? good : attention
  show(`${tag}: ${result.status}`)
  // How to resolve a conflict by hand is in the message too; here the command line does it.
  tell((result.message ?? "").replace(/ To resolve it:.*$/s, ""))
  return result
}

/** The candidate holds these files, and nobody's checkout was touched. */
export const insistCandidate = async (
  { fork }: Places,
  tag: string,
  files: Readonly<Record<string, string>>
): Promise<void> => {
  const candidate = `candidate/${tag}`
  for (const [path, text] of Object.entries(files)) {
    const found = `${await git(fork, "show", `${candidate}:${path}`)}\n`
    insist(found === text, `${candidate} has not the ${path} that it must have, but:\n${found}`)
  }
  insist((await git(fork, "status", "--porcelain")) === "", "the fork's checkout was touched")
}
