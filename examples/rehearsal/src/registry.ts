/** The npm registry that this machine is configured for: package documents and published files. */
import { readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { insist, RehearsalFailed } from "./narrator.ts"

/** What the rehearsal reads of a package document. */
export interface PackageDocument {
  /** Where it is: what a source watches. */
  readonly url: string
  readonly versions: Readonly<Record<string, PublishedVersion>>
}

interface PublishedVersion {
  readonly dist: { readonly tarball: string; readonly integrity?: string }
}

/** Longest time for one answer of the registry, in milliseconds. */
const answerMillisMax = 60_000

/** Reads the document of a package from the configured registry. */
export const readPackage = async (name: string): Promise<PackageDocument> => {
  const url = `${await registryUrl()}/${encodeURIComponent(name).replace(/^%40/, "@")}`
  const response = await get(url)
  insist(response.status !== 404, `The registry has no package "${name}"`)
  insist(response.ok, `The registry answered ${response.status} for package "${name}"`)
  const document: unknown = await response.json()
  insist(hasVersions(document), `The registry's document of "${name}" lists no versions`)
  return { url, versions: document.versions }
}

/** Puts the published files of a version into a folder, in place of whatever is there but `.git`. */
export const unpackVersion = async (
  { versions }: PackageDocument,
  version: string,
  directory: string
): Promise<void> => {
  const published = versions[version]
  insist(
    published !== undefined,
    `Version ${version} was never published; there are ${Object.keys(versions).length} others`
  )
  const response = await get(published.dist.tarball)
  insist(response.ok, `The registry answered ${response.status} for the files of ${version}`)
  const bytes = new Uint8Array(await response.arrayBuffer())
  insistIntegrity(bytes, published.dist.integrity, version)
  for (const entry of await readdir(directory)) {
    if (entry !== ".git") await rm(join(directory, entry), { recursive: true })
  }
  const unpacked = join(directory, ".git", "rehearsal-unpacked")
  await new Bun.Archive(bytes).extract(unpacked)
  // The files of a package are in one folder, which most publishers call `package`.
  const [folder] = await readdir(unpacked)
  insist(folder !== undefined, `The files of ${version} are an empty archive`)
  for (const entry of await readdir(join(unpacked, folder))) {
    await rename(join(unpacked, folder, entry), join(directory, entry))
  }
  await rm(unpacked, { recursive: true })
}

// --- internal ---

const registryUrl = async (): Promise<string> => {
  const child = Bun.spawn(["npm", "config", "get", "registry"], {
    stdout: "pipe",
    stderr: "ignore",
    stdin: "ignore"
  })
  const [text] = await Promise.all([new Response(child.stdout).text(), child.exited])
  const url = text.trim()
  insist(URL.canParse(url), `npm names no registry: it says ${JSON.stringify(url)}`)
  return url.replace(/\/+$/, "")
}

const hasVersions = (document: unknown): document is Pick<PackageDocument, "versions"> =>
  typeof document === "object" &&
  document !== null &&
  "versions" in document &&
  typeof document.versions === "object" &&
  document.versions !== null

const get = async (url: string): Promise<Response> => {
  try {
    return await fetch(url, {
      headers: { accept: "application/json, */*" },
      signal: AbortSignal.timeout(answerMillisMax)
    })
  } catch (error) {
    throw new RehearsalFailed(
      `The registry cannot be reached: ${error instanceof Error ? error.message : String(error)}`
    )
  }
}

/** Subresource integrity, as registries give it: one or more of `<algorithm>-<base64>`. */
const insistIntegrity = (bytes: Uint8Array, integrity: string | undefined, version: string): void => {
  const wanted = integrity?.split(/\s+/).find((hash) => hash.startsWith("sha512-"))
  if (wanted === undefined) return
  const found = `sha512-${new Bun.CryptoHasher("sha512").update(bytes).digest("base64")}`
  insist(found === wanted, `The files of ${version} are not those that were published: their hash differs`)
}
