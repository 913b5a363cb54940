/** The story: three releases, and each of them again. */
import { carryOver, insistCandidate } from "./carryOver.ts"
import { forkName, makeFork } from "./fork.ts"
import type { GitServer } from "./gitServer.ts"
import { chapter, good, insist, tell } from "./narrator.ts"
import type { Places } from "./places.ts"
import { makeServices, services } from "./services.ts"
import { makeUpstream, manifest, releaseUpstream } from "./upstream.ts"

export const rehearse = async (places: Places, server: GitServer): Promise<void> => {
  chapter("Set the stage")
  await makeUpstream(places, server)
  await makeFork(places, server)
  await makeServices(places, server)
  tell("upstream, the fork and ten services are served by git http-backend; nothing else is running")
  good(`the fork carries three patches; ${services.length} services build with its 1.0.0`)

  chapter("A release to which everything applies")
  await releaseUpstream(places, "v1.1.0")
  const clean = await carryOver(places, "v1.1.0")
  insist(clean.status === "changed", `1.1.0 must become a candidate, not ${clean.status}`)
  await insistCandidate(places, "v1.1.0", { "package.json": manifest(forkName, "1.1.0") })
}
