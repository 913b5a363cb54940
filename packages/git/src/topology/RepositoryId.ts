/**
 * The name under which a maintained repository stands in the record: the address of the fork, without what differs between
 * two clones of it. `https://ada:secret@Git.Example/acme/fork.git` and `git@git.example:acme/fork` are both
 * `git.example/acme/fork`. A repository without a fork remote is known by its folder.
 */
import type { Topology } from "./Topology.ts"

/** Longest name, in UTF-16 units. */
export const repositoryIdLengthMax = 512

/** The name of the repository in the record. */
export const repositoryIdOf = (topology: Pick<Topology, "directory" | "forkRemote" | "remotes">): string => {
  const remote = topology.remotes.find(({ name }) => name === topology.forkRemote)
  const id = remote === undefined ? topology.directory : addressOf(remote.url)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a name in the record has no control characters.
  return id.replace(/[\u0000-\u001f\u007f]/g, "?").slice(0, repositoryIdLengthMax)
}

// --- internal ---

const addressOf = (url: string): string => {
  const address = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/@]*@)?([^/]*)(\/.*)?$/i.exec(url)
  const scp = address === null ? /^(?:[^/@:]+@)?([^/:]+):(?!\/\/)(.+)$/.exec(url) : null
  const [, host = "", path = ""] = address ?? scp ?? ["", "", url]
  const tail = path.replace(/\/+$/, "").replace(/\.git$/, "")
  return host === "" ? tail : `${host.toLowerCase()}/${tail.replace(/^\/+/, "")}`
}
