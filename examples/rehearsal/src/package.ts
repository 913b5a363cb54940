/**
 * The rehearsal on a real package: its document in the registry is watched, two published versions are upstream's
 * releases, and two patches are carried from one to the other.
 */
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { FlowClient } from "@patchmoi/sdk"
import { commitAll, git, initRepository } from "./git.ts"
import { narrate } from "./narration.ts"
import { chapter, good, insist, tell } from "./narrator.ts"
import { insistPublished, type PackageDocument, readPackage, unpackVersion } from "./registry.ts"
import { onlyRun, showConflict, showOutput, summarize } from "./report.ts"
import { installFlow, type Places, writeSources } from "./workspace.ts"

/** What is rehearsed. */
export interface PackageRehearsal {
  readonly name: string
  readonly from: string
  readonly to: string
}

/** Plays it through. Throws when anything is not as it must be. */
export const rehearsePackage = async (
  places: Places,
  { name, from, to }: PackageRehearsal
): Promise<void> => {
  chapter(`${name} ${from} as upstream, and a fork that carries two patches`)
  const document = await readPackage(name)
  for (const version of [from, to]) insistPublished(document, version)
  await initRepository(places.upstream)
  await importVersion(places, document, from)
  await makeFork(places, name, from)
  await installFlow(places, { checks: [checkCommand], tag: to })
  // Nothing is primed away: every version is a signal, and the trigger's schema lets the flow run for one of them.
  await writeSources(places, { provider: "npm", url: document.url, repository: name, primeOnly: false })

  chapter(`The registry is polled, and ${to} is the release that the fork wants`)
  await importVersion(places, document, to)
  await using client = await FlowClient.open({
    mode: "local",
    cwd: places.workspace,
    state: { kind: "file", dataDir: places.dataDir }
  })
  const narration = narrate(client)
  const report = await client.pollSources({ sourcesFile: places.sourcesFile, dataDir: places.dataDir })
  const [poll] = report.polls
  insist(poll?.error === undefined, `The poll failed: ${poll?.error}`)
  tell(
    `signals   ${poll?.signals.length ?? 0} versions; the trigger's schema fits ${report.runIds.length} of them`
  )
  await narration.untilConcluded(report.runIds)
  const run = await onlyRun(client, report)
  showOutput(run)
  if (run.status === "needs_intervention") showConflict(run)
  insist(run.status === "changed", `${to} was to end as changed, and is ${run.status}: ${run.error ?? ""}`)

  chapter("The candidate is what a person would have made by hand")
  const expected = await expectedTree(places, name, to)
  const candidate = await git(places.fork, "rev-parse", `candidate/${to}^{tree}`)
  insist(candidate === expected, `candidate/${to} has tree ${candidate}, and by hand it is ${expected}`)
  good(`candidate/${to} has tree ${candidate}: the files of ${name} ${to} with both patches`)
  narration.stop()
  await summarize(client, places)
}

// --- internal ---

/** The fork's own check: its package has its name, and the carried line is there. */
const checkCommand = `bun -e '
  const { name } = await Bun.file("package.json").json()
  if (!name.startsWith("@fork/")) throw new Error("package.json has not the name of the fork")
'`

const carriedLine = "/* Carried by the fork. */\n"

const importVersion = async (
  { upstream }: Places,
  document: PackageDocument,
  version: string
): Promise<void> => {
  await unpackVersion(document, version, upstream)
  await commitAll(upstream, `Release ${version}`, {})
  await git(upstream, "tag", version)
  tell(`upstream  ${version} is imported, as a commit and a tag`)
}

/** Gives a package the fork's name, whatever else its manifest holds. */
const renamed = (manifest: string, name: string): string =>
  manifest.replace(/("name"\s*:\s*)"[^"]*"/, `$1"@fork/${name.replace(/^@/, "").replaceAll("/", "-")}"`)

/** Puts the carried line where the file's first line of code is: after a `#!` line and directives. */
const withCarriedLine = (text: string): string => {
  const head = /^(?:#!.*\n)?(?:\s*(['"])use strict\1;?[ \t]*\n)?/.exec(text)?.[0] ?? ""
  return head + carriedLine + text.slice(head.length)
}

/** The source file that the fork changes: the package's main file. */
const changedFile = async (directory: string): Promise<string> => {
  const manifest: { main?: unknown; module?: unknown } = JSON.parse(
    await readFile(join(directory, "package.json"), "utf8")
  )
  const named = typeof manifest.main === "string" ? manifest.main : "index.js"
  for (const path of [named, `${named}.js`, join(named, "index.js"), "index.js", "index.mjs", "index.cjs"]) {
    const file = Bun.file(join(directory, path))
    if (await file.exists()) return path.replace(/^\.\//, "")
  }
  const found = [...new Bun.Glob("**/*.{js,mjs,cjs}").scanSync({ cwd: directory })].toSorted()[0]
  insist(found !== undefined, "The package has no source file to change")
  return found
}

const makeFork = async ({ upstream, fork }: Places, name: string, from: string): Promise<void> => {
  await git(dirname(fork), "clone", "--quiet", "--origin", "upstream", upstream, fork)
  const patch = async (branch: string, subject: string, path: string, change: (text: string) => string) => {
    await git(fork, "switch", "--quiet", "-c", branch, from)
    const text = await readFile(join(fork, path), "utf8")
    await commitAll(fork, subject, { [path]: change(text) })
    tell(`${branch}   ${subject} (${path})`)
  }
  await patch("patch/001-name", "Publish under the name of the fork", "package.json", (text) =>
    renamed(text, name)
  )
  await patch("patch/002-source", "Change a source file", await changedFile(upstream), withCarriedLine)
  await git(fork, "switch", "--quiet", "main")
}

/** The tree that the release has once both changes are made to its files by hand. */
const expectedTree = async ({ upstream, root }: Places, name: string, to: string): Promise<string> => {
  const desk = join(root, "by-hand")
  await git(upstream, "worktree", "add", "--quiet", "--detach", desk, to)
  const path = await changedFile(desk)
  const [manifest, source] = await Promise.all(
    ["package.json", path].map((file) => readFile(join(desk, file), "utf8"))
  )
  await commitAll(desk, "By hand", {
    "package.json": renamed(manifest ?? "", name),
    [path]: withCarriedLine(source ?? "")
  })
  const tree = await git(desk, "rev-parse", "HEAD^{tree}")
  await git(upstream, "worktree", "remove", "--force", desk)
  return tree
}
