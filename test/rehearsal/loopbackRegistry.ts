/** An npm registry on the loopback interface: package documents, tarballs, and answers that never end. */

/** The text of each file by its path, below the package's folder. */
export type Files = Readonly<Record<string, string>>

/** A package of the registry. */
export interface Published {
  /** The files of each version, oldest version first. */
  readonly versions: Readonly<Record<string, Files>>
  /** A version whose published hash is that of other bytes. */
  readonly tampered?: string
  /** Whether the files of its versions are bytes that are no archive, with their right hash. */
  readonly scrambled?: boolean
  /** What goes on without an end. */
  readonly endless?: "document" | "tarball"
}

/** The registry, while it is up. */
export interface LoopbackRegistry {
  readonly url: string
  /** The paths that were asked for, in order and as they were sent. */
  readonly asked: ReadonlyArray<string>
  /** How many bytes of endless answers were handed out. */
  readonly endlessBytes: () => number
  readonly stop: () => Promise<void>
}

/** Starts a registry with these packages, by name. */
export const serveRegistry = async (
  packages: Readonly<Record<string, Published>>
): Promise<LoopbackRegistry> => {
  const asked: Array<string> = []
  const answers = new Map<string, () => Response>()
  let endlessBytes = 0
  const endless = () =>
    new Response(
      endlessBody((length) => (endlessBytes += length)),
      {
        headers: { "content-type": "application/json" }
      }
    )
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: ({ url }) => {
      const path = new URL(url).pathname
      asked.push(path)
      return answers.get(path)?.() ?? Response.json({ error: "Not found" }, { status: 404 })
    }
  })
  const url = `http://127.0.0.1:${server.port}`
  for (const [name, published] of Object.entries(packages)) {
    const tarballs = await tarballsOf(name, published)
    const document = JSON.stringify(documentOf(url, name, published, tarballs))
    answers.set(
      `/${name.replace("/", "%2F")}`,
      published.endless === "document"
        ? endless
        : () => new Response(document, { headers: { "content-type": "application/json" } })
    )
    for (const [version, bytes] of tarballs) {
      answers.set(
        tarballPath(name, version),
        published.endless === "tarball" ? endless : () => new Response(bytes)
      )
    }
  }
  return { url, asked, endlessBytes: () => endlessBytes, stop: () => server.stop(true) }
}

// --- internal ---

const pieceBytes = 1024 * 1024

const endlessBody = (handedOut: (length: number) => void): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const piece = new Uint8Array(pieceBytes).fill(0x20)
  return new ReadableStream({
    pull: (controller) => {
      handedOut(piece.length)
      controller.enqueue(piece)
    }
  })
}

const tarballPath = (name: string, version: string): string =>
  `/${name}/-/${name.replace(/^.*\//, "")}-${version}.tgz`

type Tarballs = ReadonlyMap<string, Uint8Array<ArrayBuffer>>

const tarballsOf = async (name: string, { versions, scrambled = false }: Published): Promise<Tarballs> => {
  const tarballs = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const [version, files] of Object.entries(versions)) {
    const inFolder = Object.fromEntries(
      Object.entries({ ...files, "package.json": manifestOf(name, version) }).map(([path, text]) => [
        `package/${path}`,
        text
      ])
    )
    const bytes = await new Bun.Archive(inFolder, { compress: "gzip" }).bytes()
    tarballs.set(version, scrambled ? bytes.toReversed() : bytes)
  }
  return tarballs
}

/** The manifest that a published version has, as its file. */
export const manifestOf = (name: string, version: string): string =>
  `${JSON.stringify({ name, description: "A package of a test", license: "MIT", main: "./index.js", version }, undefined, 2)}\n`

const documentOf = (url: string, name: string, { tampered }: Published, tarballs: Tarballs) => {
  const names = [...tarballs.keys()]
  return {
    name,
    "dist-tags": { latest: names.at(-1) },
    time: Object.fromEntries(
      names.map((version, index) => [version, new Date(Date.UTC(2024, index, 1)).toISOString()])
    ),
    versions: Object.fromEntries(
      [...tarballs].map(([version, bytes]) => {
        const hashed = version === tampered ? bytes.subarray(1) : bytes
        const integrity = `sha512-${new Bun.CryptoHasher("sha512").update(hashed).digest("base64")}`
        return [version, { name, version, dist: { tarball: url + tarballPath(name, version), integrity } }]
      })
    )
  }
}
