/** What is tried before anybody releases anything: the patches on upstream's branch as it is today. */
import { git } from "@patchmoi/example-rehearsal/git"
import { attention, good, insist, quote } from "@patchmoi/example-rehearsal/narrator"
import { needsAttention, patchmoi } from "./patchmoi.ts"
import type { Places } from "./places.ts"

/** Fetches, and asks how each patch would fare. `turnsBad` names the patch that was clean the last time and is not now. */
export const forecast = async (
  { dataDir, fork }: Places,
  { turnsBad }: { readonly turnsBad?: string } = {}
): Promise<void> => {
  await git(fork, "fetch", "--quiet", "upstream")
  const exitCode = turnsBad === undefined ? 0 : needsAttention
  const { stdout } = await patchmoi(fork, ["patch", "forecast", "--data-dir", dataDir], { exitCode })
  quote(stdout)
  if (turnsBad === undefined) return good("nothing that was clean turned bad")
  insist(stdout.includes(`conflicts ${turnsBad} (was clean)`), `${turnsBad} must have turned bad`)
  attention(`${turnsBad} needs a person, and there is no release yet`)
}
