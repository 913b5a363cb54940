/** What follows a candidate: somebody looks at it and publishes it, as a release of the fork. */
import { git } from "@patchmoi/example-rehearsal/git"
import { good, insist, quote } from "@patchmoi/example-rehearsal/narrator"
import { patchmoi } from "./patchmoi.ts"
import type { Places } from "./places.ts"

/** The tag under which the fork publishes what it made of a release of upstream. */
export const publishedTag = (tag: string): string => `house-${tag.slice(1)}`

/** Runs the fork's check on a candidate, and on bare upstream beside it, so that upstream's faults are upstream's. */
export const checkCandidate = async ({ fork }: Places, tag: string): Promise<void> => {
  const { stdout } = await patchmoi(fork, ["patch", "check", `candidate/${tag}`, "--run", "bun src/check.js"])
  quote(stdout)
}

/** Proves the candidate, shows the plan, and publishes exactly this plan: branch, tag and note in one push. */
export const publish = async ({ fork }: Places, tag: string): Promise<void> => {
  const candidate = `candidate/${tag}`
  await patchmoi(fork, ["patch", "verify", candidate])
  good("building it again gives the same commit")
  const command = ["patch", "publish", candidate, "--tag", publishedTag(tag)]
  const planned = await patchmoi(fork, [...command, "--dry-run", "--json"], { quiet: true })
  const { plan }: { readonly plan: { readonly id: string } } = JSON.parse(planned.stdout)
  const { stdout } = await patchmoi(fork, [...command, "--approve", plan.id], {
    env: { CODEX_FLOW_PUBLISH: "1" }
  })
  quote(stdout.replaceAll(/ http:\S+/g, ""))
  const here = await git(fork, "rev-parse", candidate)
  const there = await git(fork, "ls-remote", "origin", `refs/tags/${publishedTag(tag)}`)
  insist(there.startsWith(here), `${publishedTag(tag)} at the fork's remote is not ${candidate}`)
}
