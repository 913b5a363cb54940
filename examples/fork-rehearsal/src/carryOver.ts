/** What happens at a release, as the flow `maintain-fork` does it: carry over, check, write the candidate, push it. */
import type { FlowResult } from "@patchmoi/sdk"
import { maintainFork } from "@patchmoi/sdk/git"
import { git } from "./git.ts"
import { attention, good, insist, tell } from "./narrator.ts"
import type { Places } from "./places.ts"

/** The operator's word: one check, and candidates are pushed to the fork's remote. */
const config = { repository: "fork", checks: ["bun src/check.js"], push: true }

/** Carries the patches over to a release of upstream, and tells how it ended. */
export const carryOver = async ({ root }: Places, tag: string): Promise<FlowResult> => {
  const movement = { kind: "release", repo: "upstream/lamp", tag } as const
  const result = await maintainFork({ workspace: root, movement, config, onProgress: () => {} })
  const show = result.status === "changed" || result.status === "completed" ? good : attention
  show(`${tag}: ${result.status}`)
  tell(result.message ?? "")
  return result
}

/** The candidate holds these files, is what the fork's remote has, and nobody's checkout was touched. */
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
  const here = await git(fork, "rev-parse", candidate)
  const [there] = (await git(fork, "ls-remote", "origin", `refs/heads/${candidate}`)).split("\t")
  insist(here === there, `${candidate} is not what the fork's remote has`)
  insist((await git(fork, "status", "--porcelain")) === "", "the fork's checkout was touched")
}
