/** The fork: a clone of upstream with three patch branches, and the server's copy that its users fetch from. */
import { commitAll, git } from "@patchmoi/example-rehearsal/git"
import { type GitServer, initServed } from "./gitServer.ts"
import type { Places } from "./places.ts"
import { lamp, manifest, timer } from "./upstream.ts"

/** What the fork is called where it is published. */
export const forkName = "@house/lamp"

/** The lamp of the fork on 1.x, and on 2.0.0 once somebody has looked at both sides. */
export const dimmedLamp = lamp("40", "shining at")
export const dimmedLampOn2 = lamp("40", "glowing at")

/** The branches, in their order, with their one commit each. */
const patches = [
  {
    branch: "patch/010-name",
    message: "Publish under the name of the house",
    changes: { "package.json": manifest(forkName, "1.0.0") }
  },
  {
    branch: "patch/020-minutes",
    message: "Count sixty minutes to the hour\n\nSent upstream.",
    changes: { "src/timer.js": timer(60) }
  },
  { branch: "patch/030-dim", message: "Shine less brightly at home", changes: { "src/lamp.js": dimmedLamp } }
]

/** Clones upstream, makes the patches on its first release, and publishes what the fork holds. */
export const makeFork = async (places: Places, server: GitServer): Promise<void> => {
  const { fork, root, served } = places
  await initServed(served, "house-lamp")
  await git(root, "clone", "--quiet", "--origin", "upstream", server.urlOf("lamp"), fork)
  await git(fork, "remote", "add", "origin", server.urlOf("house-lamp"))
  for (const { branch, changes, message } of patches) {
    await git(fork, "switch", "--quiet", "-c", branch, "v1.0.0")
    await commitAll(fork, message, changes)
  }
  await git(fork, "switch", "--quiet", "main")
  await git(fork, "push", "--quiet", "origin", "main", ...patches.map(({ branch }) => branch))
}
