/** The upstream project: a lamp, four releases, and what its authors do between them. */
import { type Changes, commitAll, git } from "@patchmoi/example-rehearsal/git"
import { type GitServer, initServed } from "./gitServer.ts"
import type { Places } from "./places.ts"

export const manifest = (name: string, version: string): string =>
  `${JSON.stringify({ name, type: "module", license: "MIT", version }, undefined, 2)}\n`

/** How bright the lamp is, and in which words it says so. */
export const lamp = (brightness: string, words: string): string =>
  `import { minutes } from "./timer.js"

export const brightness = ${brightness}

export const shine = (hours) => "${words} " + brightness + " for " + minutes(hours) + " minutes"
`

/** The module with the mistake that the fork mends, and mended. */
export const timer = (minutesPerHour: number): string =>
  `// How long the lamp stays on.
export const minutes = (hours) => {
  if (hours < 0) throw new RangeError("hours cannot be negative")
  return hours * ${minutesPerHour}
}
`

const check = `import { shine } from "./lamp.js"

if (!shine(1).includes("minutes")) throw new Error("the lamp does not say for how long it shines")
`

/** What each release changes. 1.2.0 comes after upstream took the fork's fix; 2.0.0 rewrites a line that the fork changes. */
const releases: Readonly<Record<string, Changes>> = {
  "v1.0.0": {
    "package.json": manifest("lamp", "1.0.0"),
    "README.md": "# lamp\n\nShines.\n",
    "src/lamp.js": lamp("100", "shining at"),
    "src/timer.js": timer(100),
    "src/check.js": check
  },
  "v1.1.0": {
    "package.json": manifest("lamp", "1.1.0"),
    "README.md": "# lamp\n\nShines, and goes out again.\n",
    "src/off.js": 'export const off = () => "dark"\n'
  },
  "v1.2.0": {
    "package.json": manifest("lamp", "1.2.0"),
    "src/off.js": 'export const off = () => "dark, and quiet"\n'
  },
  "v2.0.0": {
    "package.json": manifest("lamp", "2.0.0"),
    "src/lamp.js": lamp("120", "glowing at")
  }
}

/** Makes the project with its first release, and serves it. */
export const makeUpstream = async (places: Places, server: GitServer): Promise<void> => {
  await initServed(places.served, "lamp")
  await git(places.root, "init", "--quiet", "--initial-branch=main", places.upstream)
  await git(places.upstream, "remote", "add", "origin", server.urlOf("lamp"))
  await releaseUpstream(places, "v1.0.0")
}

/** Writes the changes of a release to upstream's branch, and tags nothing yet. */
export const workUpstream = async ({ upstream }: Places, tag: string): Promise<void> => {
  await commitAll(upstream, `Prepare ${tag.slice(1)}`, releases[tag] ?? {})
  await git(upstream, "push", "--quiet", "origin", "main")
}

/** Tags what upstream's branch holds. */
export const tagUpstream = async ({ upstream }: Places, tag: string): Promise<void> => {
  await git(upstream, "tag", tag)
  await git(upstream, "push", "--quiet", "origin", tag)
}

/** A release as it usually comes: work and tag at once. */
export const releaseUpstream = async (places: Places, tag: string): Promise<void> => {
  await workUpstream(places, tag)
  await tagUpstream(places, tag)
}

/** Upstream's authors take the fix that the fork sent them, in words of their own. */
export const takeTheFix = async ({ upstream }: Places): Promise<void> => {
  await commitAll(upstream, "An hour has sixty minutes", { "src/timer.js": timer(60) })
  await git(upstream, "push", "--quiet", "origin", "main")
}
