/** The rehearsal without a network: three releases of an upstream that is made on the spot. */
import { dirname, join } from "node:path"
import { FlowClient } from "@patchmoi/sdk"
import { serveAtomFeed } from "./atomFeed.ts"
import { type Changes, commitAll, git, initRepository } from "./git.ts"
import { narrate } from "./narration.ts"
import { chapter, good, insist, tell } from "./narrator.ts"
import { onlyRun, showConflict, showOutput, summarize } from "./report.ts"
import { installFlow, type Places, writeSources } from "./workspace.ts"

const repository = "upstream/greeter"

/** Upstream's module, which greets in these words and ends its sentence like this. */
const greeting = (words: string, end: string): string =>
  `export const greeting = (name) => {
  const sentence = "${words}, " + name + "${end}"
  return sentence.trim()
}
`

const manifest = (name: string, version: string): string =>
  `${JSON.stringify({ name, type: "module", license: "MIT", version }, undefined, 2)}\n`

const check = `import { expect, test } from "bun:test"
import { greeting } from "./greeting.js"

test("names whom it greets", () => expect(greeting("Ada")).toContain("Ada"))
`

/** What upstream releases. 1.1.0 goes its own way; 2.0.0 rewrites the line that the fork changes. */
const releases: Readonly<Record<string, { readonly date: string; readonly changes: Changes }>> = {
  "v1.0.0": {
    date: "2026-01-10T12:00:00Z",
    changes: {
      "package.json": manifest("greeter", "1.0.0"),
      "README.md": "# greeter\n\nGreets people.\n",
      "src/greeting.js": greeting("Hello", "."),
      "src/greeting.test.js": check
    }
  },
  "v1.1.0": {
    date: "2026-02-10T12:00:00Z",
    changes: {
      "package.json": manifest("greeter", "1.1.0"),
      "README.md": "# greeter\n\nGreets people, and says goodbye.\n",
      "src/farewell.js": 'export const farewell = (name) => "Goodbye, " + name + "."\n'
    }
  },
  "v2.0.0": {
    date: "2026-03-10T12:00:00Z",
    changes: {
      "package.json": manifest("greeter", "2.0.0"),
      "src/greeting.js": greeting("Good day to you", ".")
    }
  }
}

/** What the fork carries: a name of its own, and a louder greeting. */
const patches = {
  "patch/001-name": { subject: "Publish under the name of the fork" },
  "patch/002-loud": { subject: "Greet louder" }
}

const forkName = "@fork/greeter"
const loudGreeting = greeting("Hello", "!")
const loudGreetingOn2 = greeting("Good day to you", "!")

const release = async ({ upstream }: Places, tag: string): Promise<void> => {
  const { changes = {} } = releases[tag] ?? {}
  await commitAll(upstream, `Release ${tag}`, changes)
  await git(upstream, "tag", tag)
}

const makeFork = async ({ upstream, fork }: Places): Promise<void> => {
  await git(dirname(fork), "clone", "--quiet", "--origin", "upstream", upstream, fork)
  await git(fork, "switch", "--quiet", "-c", "patch/001-name", "v1.0.0")
  await commitAll(fork, patches["patch/001-name"].subject, { "package.json": manifest(forkName, "1.0.0") })
  await git(fork, "switch", "--quiet", "-c", "patch/002-loud", "v1.0.0")
  await commitAll(fork, patches["patch/002-loud"].subject, { "src/greeting.js": loudGreeting })
  await git(fork, "switch", "--quiet", "main")
}

/** Makes the patch fit the new upstream, as a person would who read the conflict. */
const resolve = async ({ root, upstream, fork }: Places, tag: string): Promise<void> => {
  const desk = join(root, "resolution")
  const released = await git(upstream, "rev-parse", `${tag}^{commit}`)
  await git(fork, "worktree", "add", "--quiet", "-B", "patch/002-loud", desk, released)
  await commitAll(desk, patches["patch/002-loud"].subject, { "src/greeting.js": loudGreetingOn2 })
  await git(fork, "worktree", "remove", desk)
}

/** Plays it through. Throws {@link RehearsalFailed} when anything is not as it must be. */
export const rehearseOffline = async (places: Places): Promise<void> => {
  chapter("An upstream project with a release, and a fork that carries two patches")
  await initRepository(places.upstream)
  await release(places, "v1.0.0")
  await makeFork(places)
  await using feed = serveAtomFeed(repository)
  feed.publish({ tag: "v1.0.0", updated: releases["v1.0.0"]?.date ?? "" })
  await installFlow(places, { checks: ["bun test"] })
  await writeSources(places, { provider: "github", url: feed.url, repository })
  for (const [name, { subject }] of Object.entries(patches)) tell(`${name}   ${subject}`)
  await using client = await FlowClient.open({
    mode: "local",
    cwd: places.workspace,
    state: { kind: "file", dataDir: places.dataDir }
  })
  const narration = narrate(client)

  const publish = async (tag: string) => {
    await release(places, tag)
    feed.publish({ tag, updated: releases[tag]?.date ?? "" })
    const report = await client.pollSources({ sourcesFile: places.sourcesFile, dataDir: places.dataDir })
    await narration.untilConcluded(report.runIds)
    const run = await onlyRun(client, report)
    showOutput(run)
    return run
  }

  chapter("The first poll only remembers what is there")
  const [first] = (await client.pollSources({ sourcesFile: places.sourcesFile })).polls
  insist(
    first?.outcome === "primed" && first.signals.length === 0,
    "The first poll was to prime and emit nothing"
  )
  good("v1.0.0 is known; nothing was dispatched")

  chapter("Upstream releases v1.1.0, which leaves our lines alone")
  const clean = await publish("v1.1.0")
  insist(
    clean.status === "changed",
    `v1.1.0 was to end as changed, and is ${clean.status}: ${clean.error ?? ""}`
  )
  await insistCandidate(places, "v1.1.0", loudGreeting)
  good("candidate/v1.1.0 holds the release with both patches, and the fork's checks passed")

  chapter("Upstream releases v2.0.0, which rewrites a line that the fork changes")
  const conflicting = await publish("v2.0.0")
  insist(
    conflicting.status === "needs_intervention" && conflicting.needsAttention,
    `v2.0.0 was to need intervention, and is ${conflicting.status}`
  )
  showConflict(conflicting)

  chapter("A person resolves it, and the event is replayed")
  await resolve(places, "v2.0.0")
  tell("patch/002-loud now says it on top of v2.0.0")
  const replayed = await client.replayEvent(conflicting.eventId)
  await narration.untilConcluded(replayed.runIds)
  const [run] = replayed.runs
  insist(run !== undefined, "The replay started no run")
  showOutput(run)
  insist(
    run.status === "changed",
    `The replay was to end as changed, and is ${run.status}: ${run.error ?? ""}`
  )
  await insistCandidate(places, "v2.0.0", loudGreetingOn2)
  good("candidate/v2.0.0 holds the release with both patches")

  narration.stop()
  await summarize(client, places)
}

// --- internal ---

/** The candidate has upstream's files with both changes, and the fork's checkout was not touched. */
const insistCandidate = async ({ fork }: Places, tag: string, text: string): Promise<void> => {
  const version = tag.slice(1)
  const at = (path: string) => git(fork, "show", `candidate/${tag}:${path}`)
  insist(`${await at("src/greeting.js")}\n` === text, `candidate/${tag} has not the fork's greeting`)
  insist(
    `${await at("package.json")}\n` === manifest(forkName, version),
    `candidate/${tag} has not the fork's name`
  )
  insist((await git(fork, "status", "--porcelain")) === "", "The fork's checkout was touched")
}
