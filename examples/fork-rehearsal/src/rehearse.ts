/** The story: three releases of upstream, what the fork makes of them, and the same again. */

import { chapter, good, insist, tell } from "@patchmoi/example-rehearsal/narrator"
import { carryOver, insistCandidate } from "./carryOver.ts"
import { cascadeTo, countOf } from "./cascade.ts"
import { forecast } from "./forecast.ts"
import { dimmedLamp, dimmedLampOn2, forkName, makeFork } from "./fork.ts"
import type { GitServer } from "./gitServer.ts"
import type { Places } from "./places.ts"
import { checkCandidate, publish, publishedTag } from "./publish.ts"
import { resolveConflict } from "./resolveConflict.ts"
import { commitsOf, makeServices, pinByHand, pinnedVersion, services } from "./services.ts"
import {
  makeUpstream,
  manifest,
  releaseUpstream,
  tagUpstream,
  takeTheFix,
  timer,
  workUpstream
} from "./upstream.ts"

/** Everything in order. Throws `RehearsalFailed` where something is not as it must be. */
export const rehearse = async (places: Places, server: GitServer): Promise<void> => {
  await setTheStage(places, server)
  await cleanRelease(places)
  await landedRelease(places)
  await conflictingRelease(places)
  await again(places, server)
  await summarize(places)
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
  await publish(places, "v1.1.0")
  await cascadeTo(places, "1.1.0")
  await insistEverywhere(places, "1.1.0")
}

const landedRelease = async (places: Places): Promise<void> => {
  chapter("1.2.0: upstream has taken one of the patches")
  await takeTheFix(places)
  await forecast(places)
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
  await publish(places, "v1.2.0")
  await cascadeTo(places, "1.2.0")
  await insistEverywhere(places, "1.2.0")
}

const conflictingRelease = async (places: Places): Promise<void> => {
  chapter("2.0.0: upstream rewrites a line that the fork changes")
  await workUpstream(places, "v2.0.0")
  await forecast(places, { turnsBad: "patch/030-dim" })
  tell("upstream releases what was forecast")
  await tagUpstream(places, "v2.0.0")
  const stopped = await carryOver(places, "v2.0.0")
  insist(
    stopped.status === "needs_intervention",
    `2.0.0 needs a person, but the run ended as ${stopped.status}`
  )
  await resolveConflict(places, "v2.0.0", {
    path: "src/lamp.js",
    text: dimmedLampOn2,
    note: "upstream's new words, and the brightness of the house"
  })
  await checkCandidate(places, "v2.0.0")
  await insistCandidate(places, "v2.0.0", {
    "package.json": manifest(forkName, "2.0.0"),
    "src/lamp.js": dimmedLampOn2
  })
  await publish(places, "v2.0.0")
  await pinByHand(places, cautious, "1.2.0-hold")
  const report = await cascadeTo(places, "2.0.0")
  insist(countOf(report, "pinned") === 1, "the value that a person set must stay")
  await insistEverywhere(places, "2.0.0", cautious)
}

const again = async (places: Places, server: GitServer): Promise<void> => {
  chapter("All of it again: nothing is left to do")
  const pushes = server.pushes()
  const commits = await Promise.all(services.map((name) => commitsOf(places, name)))
  for (const tag of ["v1.1.0", "v1.2.0"]) {
    const result = await carryOver(places, tag)
    insist(result.status === "completed", `nothing is new, but the run ended as ${result.status}`)
  }
  await publish(places, "v2.0.0")
  const report = await cascadeTo(places, "2.0.0")
  insist(countOf(report, "written") === 0, "something was written although nothing is new")
  insist(server.pushes() === pushes, "something was pushed although nothing is new")
  const after = await Promise.all(services.map((name) => commitsOf(places, name)))
  insist(after.join() === commits.join(), "a service has a commit that it did not need")
  good("no commit, no push, no build")
}

/** A service whose people hold back. */
const cautious = "service-07"

/** Every service holds the version, but for one. */
const insistEverywhere = async (places: Places, version: string, but?: string): Promise<void> => {
  for (const name of services.filter((each) => each !== but)) {
    const found = await pinnedVersion(places, name)
    insist(found === version, `${name} holds ${found} and not ${version}`)
  }
}

const summarize = async (places: Places): Promise<void> => {
  chapter("What there is now")
  const tags = ["v1.1.0", "v1.2.0", "v2.0.0"]
  for (const tag of tags)
    tell(`${publishedTag(tag)} is upstream's ${tag} with the fork's patches, and a note that proves it`)
  tell("patch/020-minutes is upstream's own by now, and can be dropped")
  const versions = await Promise.all(services.map((name) => pinnedVersion(places, name)))
  const following = versions.filter((version) => version === "2.0.0").length
  tell(
    `${following} services build with 2.0.0; ${cautious} holds back, and is left alone until it is asked to follow`
  )
}
