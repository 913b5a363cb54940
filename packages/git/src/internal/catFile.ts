/** Reads objects through `git cat-file --batch`, many in one process. */
import * as Effect from "effect/Effect"
import { Git, GitError } from "../Git.ts"
import type { Repository } from "../Repository.ts"

export interface CatFileOptions {
  readonly repository: Repository
  /** What to read, in the notation of gitrevisions(7), as text or as bytes. Must not hold a NUL. */
  readonly names: ReadonlyArray<string | Uint8Array>
  readonly env?: Readonly<Record<string, string>>
  readonly outputBytesMax?: number
}

/** One object: `null` stands for one that the repository does not have. */
export interface ReadObject {
  readonly id: string
  readonly type: string
  readonly size: number
  readonly content: Buffer
}

/** Objects in the order of their names. */
export const readObjects = (options: CatFileOptions) => batch("--batch", options)

/** Ids, types and sizes in the order of the names, without the content. */
export const readObjectSizes = (options: CatFileOptions) => batch("--batch-check", options)

// --- internal ---

const batch = Effect.fnUntraced(function* (mode: "--batch" | "--batch-check", options: CatFileOptions) {
  if (options.names.length === 0) return []
  const git = yield* Git
  const separator = Buffer.from([0])
  const args = ["cat-file", mode, "-z"]
  const output = yield* git.run({
    args,
    cwd: options.repository.directory,
    stdin: Buffer.concat(options.names.flatMap((name) => [Buffer.from(name), separator])),
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.outputBytesMax === undefined ? {} : { outputBytesMax: options.outputBytesMax })
  })
  const bytes = Buffer.from(output.stdout.buffer, output.stdout.byteOffset, output.stdout.byteLength)
  const objects: Array<ReadObject | null> = []
  let at = 0
  for (const name of options.names) {
    const head = readHead(bytes, at, Buffer.from(name))
    if (head === undefined) {
      return yield* new GitError({
        args,
        cwd: options.repository.directory,
        reason: "protocol",
        exitCode: 0,
        stderr: `the answer for ${String(name).slice(0, 200)} is not understood`
      })
    }
    const contentSize = mode === "--batch" && head.found !== null ? head.found.size : 0
    objects.push(head.found && { ...head.found, content: bytes.subarray(head.end, head.end + contentSize) })
    at = head.end + (mode === "--batch" && head.found !== null ? contentSize + 1 : 0)
  }
  return objects
})

/** The line before an object. A name may itself hold line feeds, so a missing object is known by its name. */
const readHead = (bytes: Buffer, at: number, name: Buffer) => {
  for (const word of [" missing\n", " ambiguous\n"]) {
    const absent = Buffer.concat([name, Buffer.from(word)])
    if (bytes.subarray(at, at + absent.length).equals(absent)) return { found: null, end: at + absent.length }
  }
  const end = bytes.indexOf(10, at)
  if (end < 0) return undefined
  const line = bytes.toString("latin1", at, end)
  // From 2.51 on git says so of a submodule's commit that is not here; before, it was missing like any other.
  if (/^[0-9a-f]{40,64} submodule$/.test(line)) return { found: null, end: end + 1 }
  const match = /^([0-9a-f]{40,64}) (\w+) (\d+)$/.exec(line)
  if (match === null) return undefined
  return { found: { id: match[1] ?? "", type: match[2] ?? "", size: Number(match[3]) }, end: end + 1 }
}
