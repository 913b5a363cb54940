/** Ten repositories whose builds follow the fork: each holds a version file, and a workflow that reads it on every push. */
import { cp, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { commitAll, git } from "@patchmoi/example-rehearsal/git"
import { type GitServer, initServed } from "./gitServer.ts"
import type { Places } from "./places.ts"

/** The file that a service's build goes by: one line, the version. */
export const versionFile = ".runtime-version"

/** Names of the services. */
export const services: ReadonlyArray<string> = Array.from(
  { length: 10 },
  (_, at) => `service-${String(at + 1).padStart(2, "0")}`
)

const workflow = `on: { push: { branches: ["**"], paths: ["${versionFile}"] } }
jobs:
  build:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: ./build --runtime "$(cat ${versionFile})"
`

/** Serves the ten repositories, some with a default branch of another name, and lists them in `cascade.toml`. */
export const makeServices = async (places: Places, server: GitServer): Promise<void> => {
  const { cascadeFile, root, served } = places
  const work = join(root, "service")
  await git(root, "init", "--quiet", "--initial-branch=main", work)
  await commitAll(work, "A service", {
    [versionFile]: "1.0.0\n",
    ".github/workflows/build.yml": workflow,
    "src/service.js": 'export const service = "on"\n'
  })
  const first = await initServed(served, services[0] ?? "service")
  await git(work, "push", "--quiet", first, "main")
  await git(work, "push", "--quiet", first, "main:trunk")
  for (const [at, name] of services.entries()) {
    const directory = join(served, `${name}.git`)
    if (at > 0) await cp(first, directory, { recursive: true })
    // Every third one never heard of "main".
    const [kept, gone] = at % 3 === 2 ? ["trunk", "main"] : ["main", "trunk"]
    if (at > 0) await git(directory, "symbolic-ref", "HEAD", `refs/heads/${kept}`)
    if (at > 0) await git(directory, "update-ref", "-d", `refs/heads/${gone}`)
  }
  await git(first, "update-ref", "-d", "refs/heads/trunk")
  await writeFile(cascadeFile, cascadeToml(server))
}

/** What a service's default branch holds in its version file. */
export const pinnedVersion = ({ served }: Places, name: string): Promise<string> =>
  git(join(served, `${name}.git`), "show", `HEAD:${versionFile}`)

/** Somebody sets the version of a service by hand, in a clone of their own. */
export const pinByHand = async ({ root, served }: Places, name: string, version: string): Promise<void> => {
  const clone = join(root, `${name}-by-hand`)
  await git(root, "clone", "--quiet", join(served, `${name}.git`), clone)
  await commitAll(clone, `Stay on ${version}`, { [versionFile]: `${version}\n` })
  await git(clone, "push", "--quiet", "origin", "HEAD")
}

/** How many commits a service's default branch has. */
export const commitsOf = async ({ served }: Places, name: string): Promise<number> =>
  Number(await git(join(served, `${name}.git`), "rev-list", "--count", "HEAD"))

// --- internal ---

const cascadeToml = (server: GitServer): string =>
  [
    'name = "lamp"',
    `file = "${versionFile}"`,
    'mode = "push"',
    "[author]",
    'name = "Rehearsal"',
    'email = "rehearsal@example.invalid"',
    ...services.flatMap((name) => ["[[targets]]", `url = "${server.urlOf(name)}"`]),
    ""
  ].join("\n")
