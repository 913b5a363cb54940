/** The story: three releases of upstream, what the fork makes of them, and the same again. */
import { carryOver, insistCandidate } from "./carryOver.ts"
import { dimmedLamp, dimmedLampOn2, forkName, makeFork } from "./fork.ts"
import type { GitServer } from "./gitServer.ts"
import { chapter, good, insist, tell } from "./narrator.ts"
import type { Places } from "./places.ts"
import { resolveConflict } from "./resolveConflict.ts"
import { makeServices, services } from "./services.ts"
import { makeUpstream, manifest, releaseUpstream, takeTheFix, timer } from "./upstream.ts"

/** Everything in order. Throws `RehearsalFailed` where something is not as it must be. */
export const rehearse = async (places: Places, server: GitServer): Promise<void> => {
  await setTheStage(places, server)
  await cleanRelease(places)
  await landedRelease(places)
  await conflictingRelease(places)
  await again(places, server)
}

// --- internal ---

const setTheStage = async (places: Places, server: GitServer): Promise<void> => {
  chapter("The stage: git servers, and nothing else")
  await makeUpstream(places, server)
  await makeFork(places, server)
  await makeServices(places, server)
  tell("upstream, the fork and ten services are served by git http-backend; there is no forge")
  good(`the fork carries three patches; ${services.length} services build with its 1.0.0`)
}

const cleanRelease = async (places: Places): Promise<void> => {
  chapter("1.1.0: everything applies")
  await releaseUpstream(places, "v1.1.0")
  const result = await carryOver(places, "v1.1.0")
  insist(result.status === "changed", `1.1.0 must become a candidate, not ${result.status}`)
  await insistCandidate(places, "v1.1.0", {
    "package.json": manifest(forkName, "1.1.0"),
    "src/timer.js": timer(60),
    "src/lamp.js": dimmedLamp
  })
}

const landedRelease = async (places: Places): Promise<void> => {
  chapter("1.2.0: upstream has taken one of the patches")
  await takeTheFix(places)
  await releaseUpstream(places, "v1.2.0")
  const result = await carryOver(places, "v1.2.0")
  insist(result.status === "changed", `1.2.0 must become a candidate, not ${result.status}`)
  const dropped = result.artifacts?.["dropped"]
  insist(Array.isArray(dropped) && dropped.length === 1, "one patch must be left out, and said to be")
  await insistCandidate(places, "v1.2.0", {
    "package.json": manifest(forkName, "1.2.0"),
    "src/timer.js": timer(60),
    "src/lamp.js": dimmedLamp
  })
}

const conflictingRelease = async (places: Places): Promise<void> => {
  chapter("2.0.0: upstream rewrites a line that the fork changes")
  await releaseUpstream(places, "v2.0.0")
  const stopped = await carryOver(places, "v2.0.0")
  insist(
    stopped.status === "needs_intervention",
    `2.0.0 needs a person, but the run ended as ${stopped.status}`
  )
  await resolveConflict(places, "v2.0.0")
  const result = await carryOver(places, "v2.0.0")
  insist(result.status === "changed", `2.0.0 must become a candidate, not ${result.status}`)
  await insistCandidate(places, "v2.0.0", {
    "package.json": manifest(forkName, "2.0.0"),
    "src/lamp.js": dimmedLampOn2
  })
}

const again = async (places: Places, server: GitServer): Promise<void> => {
  chapter("All of it again: nothing is left to do")
  const before = server.pushes()
  const result = await carryOver(places, "v2.0.0")
  insist(result.status === "completed", `nothing is new, but the run ended as ${result.status}`)
  insist(server.pushes() === before, "something was pushed although nothing is new")
  good("no commit, no push, no build")
}
