/** The npm registry that this machine is configured for: package documents and published files. */
import { readdir, rename, rm } from "node:fs/promises"
import { join } from "node:path"
import { answerMillisMax, download } from "./download.ts"
import { insist, RehearsalFailed } from "./narrator.ts"

/** What the rehearsal reads of a package document. */
export interface PackageDocument {
  /** Where it is: what a source watches. */
  readonly url: string
  readonly name: string
  /** By version. What a version says of itself is looked at when its files are asked for. */
  readonly versions: Readonly<Record<string, unknown>>
}

/** Largest package document, in bytes after decompression: as many as the source that watches it reads. */
export const documentBytesMax = 64 * 1024 * 1024

/** Largest archive of a version's files, in bytes. It is held in memory. */
export const tarballBytesMax = 256 * 1024 * 1024

/** Reads the document of a package from the configured registry. */
export const readPackage = async (name: string): Promise<PackageDocument> => {
  const url = `${await registryUrl()}/${encodeURIComponent(name).replace(/^%40/, "@")}`
  const bytes = await download({
    url,
    what: `the document of "${name}"`,
    bytesMax: documentBytesMax,
    absent: `The registry has no package "${name}"`
  })
  const document = parsed(bytes)
  insist(hasVersions(document), `The registry's document of "${name}" lists no versions`)
  return { url, name, versions: document.versions }
}

/** Throws unless a version is one of those that were published. */
export const insistPublished = ({ name, versions }: PackageDocument, version: string): void => {
  const others = Object.keys(versions)
  const last = others.slice(-versionsShownMax).join(", ") || "none"
  insist(
    Object.hasOwn(versions, version),
    `Version ${version} of "${name}" was never published; ${others.length} others were, the last: ${last}`
  )
}

/** Puts the published files of a version into a folder, in place of whatever is there but `.git`. */
export const unpackVersion = async (
  document: PackageDocument,
  version: string,
  directory: string
): Promise<void> => {
  insistPublished(document, version)
  const published = document.versions[version]
  insist(isPublished(published), `The registry's document of "${document.name}" has no files for ${version}`)
  const { tarball, integrity } = published.dist
  const what = `the files of ${document.name} ${version}`
  const bytes = await download({ url: tarball, what, bytesMax: tarballBytesMax })
  insistIntegrity(bytes, integrity, version)
  for (const entry of await readdir(directory)) {
    if (entry !== ".git") await rm(join(directory, entry), { recursive: true })
  }
  const unpacked = join(directory, ".git", "rehearsal-unpacked")
  await extract(bytes, unpacked, what)
  // The files of a package are in one folder, which most publishers call `package`.
  const [folder] = await readdir(unpacked)
  insist(folder !== undefined, `The files of ${version} are an empty archive`)
  for (const entry of await readdir(join(unpacked, folder))) {
    await rename(join(unpacked, folder, entry), join(directory, entry))
  }
  await rm(unpacked, { recursive: true })
}

// --- internal ---

interface PublishedVersion {
  readonly dist: { readonly tarball: string; readonly integrity?: string }
}

/** How many versions are shown to a user who asked for another one. */
const versionsShownMax = 5

/** What npm says is not repeated: it could be a URL with a password. */
const registryUrl = async (): Promise<string> => {
  const { exitCode, text } = await askNpm()
  const url = text.trim()
  insist(
    exitCode === 0 && URL.canParse(url) && /^https?:$/.test(new URL(url).protocol),
    "npm names no registry (`npm config get registry`); it keeps a URL with a user name or password to itself"
  )
  const { username, password } = new URL(url)
  insist(
    username === "" && password === "",
    "The URL of the configured registry has a user name or password in it, which the rehearsal does not take: it would write them into its sources file"
  )
  return url.replace(/\/+$/, "")
}

const askNpm = async (): Promise<{ readonly exitCode: number; readonly text: string }> => {
  try {
    const child = Bun.spawn(["npm", "config", "get", "registry"], {
      stdout: "pipe",
      stderr: "ignore",
      stdin: "ignore",
      timeout: answerMillisMax
    })
    const [text, exitCode] = await Promise.all([new Response(child.stdout).text(), child.exited])
    return { exitCode, text }
  } catch (error) {
    throw new RehearsalFailed(`npm, which knows the configured registry, cannot be started: ${error}`)
  }
}

/** The JSON of a body, or undefined when it is none. */
const parsed = (bytes: Uint8Array): unknown => {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const hasVersions = (document: unknown): document is Pick<PackageDocument, "versions"> =>
  isObject(document) && "versions" in document && isObject(document.versions)

const isPublished = (version: unknown): version is PublishedVersion => {
  if (!isObject(version) || !("dist" in version) || !isObject(version.dist)) return false
  const { dist } = version
  if ("integrity" in dist && typeof dist.integrity !== "string") return false
  return "tarball" in dist && typeof dist.tarball === "string"
}

const extract = async (bytes: Uint8Array, directory: string, what: string): Promise<void> => {
  try {
    await new Bun.Archive(bytes).extract(directory)
  } catch (error) {
    throw new RehearsalFailed(`${what} are no archive that can be unpacked: ${error}`)
  }
}

/** Subresource integrity, as registries give it: one or more of `<algorithm>-<base64>`. */
const insistIntegrity = (bytes: Uint8Array, integrity: string | undefined, version: string): void => {
  const wanted = integrity?.split(/\s+/).find((hash) => hash.startsWith("sha512-"))
  if (wanted === undefined) return
  const found = `sha512-${new Bun.CryptoHasher("sha512").update(bytes).digest("base64")}`
  insist(found === wanted, `The files of ${version} are not those that were published: their hash differs`)
}
