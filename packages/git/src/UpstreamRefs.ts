/**
 * What is known here to be upstream's: the remote-tracking branches, and the tags of the remote, which `fetchRemote`
 * keeps in a place of their own, apart from the fork's tags.
 */
import * as Effect from "effect/Effect"
import { Git, linesOf } from "./Git.ts"
import { isObjectId, parseRemote, type RemoteName } from "./GitName.ts"
import type { Repository } from "./Repository.ts"

/**
 * Commits that bound the patches from below: everything that is known to be upstream's. The remote's branches, and the
 * tags that `fetch` keeps apart for that remote. A release tag on a side branch is covered by the latter.
 */
export const readUpstreamCommits = Effect.fn("Topology.readUpstreamCommits")(function* (options: {
  readonly repository: Repository
  readonly remote: string
}) {
  const git = yield* Git
  const remote = yield* parseRemote(options.remote)
  const output = yield* git.run({
    args: [
      "for-each-ref",
      "--format=%(if)%(*objectname)%(then)%(*objecttype) %(*objectname)%(else)%(objecttype) %(objectname)%(end)",
      "--",
      `refs/remotes/${remote}/`,
      upstreamTagsRef(remote)
    ],
    cwd: options.repository.directory
  })
  const commits = linesOf(output.stdout).flatMap((line) => {
    const [type, id = ""] = line.split(" ")
    return type === "commit" && isObjectId(id) ? [id] : []
  })
  return [...new Set(commits)]
})

/** Where the tags of a remote are kept, apart from the fork's own tags. */
export const upstreamTagsRef = (remote: RemoteName): string => `refs/patchmoi/tags/${remote}/`
