/**
 * The workspace of an operator: the fork's checkout, the installed flow with its configuration, and the sources file.
 * It is what a team would set up by hand once.
 */
import { cp, mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** Where everything of one rehearsal lies. */
export interface Places {
  readonly root: string
  /** What upstream works on. */
  readonly upstream: string
  readonly workspace: string
  /** The fork's checkout, in the workspace. */
  readonly fork: string
  readonly dataDir: string
  readonly sourcesFile: string
}

/** The places below a folder. */
export const placesIn = (root: string): Places => {
  const workspace = join(root, "workspace")
  return {
    root,
    upstream: join(root, "upstream"),
    workspace,
    fork: join(workspace, "fork"),
    dataDir: join(workspace, "data"),
    sourcesFile: join(workspace, "feed-sources.json")
  }
}

/** The folder of the flow in this repository. */
const packagedFlow = fileURLToPath(new URL("../../../flows/maintain-fork", import.meta.url))

/** The installed SDK, as a package manager would put it into the workspace. */
const installedSdk = dirname(fileURLToPath(import.meta.resolve("@patchmoi/sdk/package.json")))

/**
 * Installs the flow `maintain-fork`: a copy in `.codex/flows`, with the checks of this fork in its `[config]`. `tag` limits
 * the flow to one release, by the JSON Schema of its trigger.
 */
export const installFlow = async (
  places: Places,
  options: { readonly checks: ReadonlyArray<string>; readonly tag?: string }
): Promise<void> => {
  const installed = join(places.workspace, ".codex", "flows", "maintain-fork")
  await cp(packagedFlow, installed, { recursive: true, filter: (path) => !path.includes("node_modules") })
  await configure(join(installed, "flow.toml"), options.checks)
  if (options.tag !== undefined) await limitToTag(join(installed, "release.schema.json"), options.tag)
  const modules = join(places.workspace, "node_modules", "@patchmoi")
  await mkdir(modules, { recursive: true })
  await symlink(installedSdk, join(modules, "sdk"), "dir")
}

/** Writes the sources file with one source whose releases go to the flow. */
export const writeSources = (
  places: Places,
  source: {
    readonly provider: "github" | "npm"
    readonly url: string
    readonly repository: string
    readonly primeOnly?: boolean
  }
): Promise<void> => {
  const [owner = "upstream", name = source.repository] = source.repository.split("/")
  const sources = [
    {
      id: "upstream",
      provider: source.provider,
      url: source.url,
      event: "release",
      primeOnly: source.primeOnly ?? true,
      repo: {
        owner,
        name,
        fullName: source.repository,
        webUrl: `https://example.invalid/${source.repository}`,
        defaultBranch: "main"
      },
      target: {
        mode: "workspace_flow",
        eventType: "upstream.release",
        payload: { repository: "fork" }
      }
    }
  ]
  return writeFile(places.sourcesFile, `${JSON.stringify({ sources }, undefined, 2)}\n`)
}

// --- internal ---

/** Sets `checks` in the `[config]` table. */
const configure = async (manifest: string, checks: ReadonlyArray<string>): Promise<void> => {
  const text = await readFile(manifest, "utf8")
  const withoutChecks = text.replace(/^checks = .*\n/m, "")
  await writeFile(
    manifest,
    // A function, as a dollar sign means something in a text that replaces another.
    withoutChecks.replace("[config]\n", (start) => `${start}checks = ${JSON.stringify(checks)}\n`)
  )
}

const limitToTag = async (file: string, tag: string): Promise<void> => {
  const schema: { properties?: Record<string, unknown> } = JSON.parse(await readFile(file, "utf8"))
  const properties = { ...schema.properties, tag: { const: tag } }
  await writeFile(file, `${JSON.stringify({ ...schema, properties }, undefined, 2)}\n`)
}
