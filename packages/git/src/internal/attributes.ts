/**
 * The `.gitattributes` files of one commit, laid out in a folder.
 *
 * Merge drivers and `-merge`, `binary` and `text` attributes decide merges, and git before 2.41 reads them from the
 * work tree only. A rebuild must not depend on the user's work tree, so it gets a folder of its own that holds nothing
 * but these files, taken from the commit that the patches go onto.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Effect from "effect/Effect"
import { Git, nulFieldsOf } from "../Git.ts"
import type { ObjectId } from "../GitName.ts"
import { QuarantineError } from "../patch/QuarantineError.ts"
import type { Repository } from "../Repository.ts"
import { readObjectSizes, readObjects } from "./catFile.ts"

/** Attribute files of one commit that are looked at; a tree with more than this is not an honest one. */
const filesMax = 2_000

/** Longest attribute file; git itself refuses files over 100 MiB, and no rule needs this much. */
const fileBytesMax = 1024 * 1024

/** Writes the files under the folder, which is created. */
export const layOutAttributes = Effect.fnUntraced(function* (options: {
  readonly repository: Repository
  readonly commit: ObjectId
  readonly directory: string
}) {
  const git = yield* Git
  const listing = yield* git.run({
    args: ["ls-tree", "-r", "-z", "--full-tree", options.commit],
    cwd: options.repository.directory
  })
  const files = nulFieldsOf(listing.stdout).flatMap(attributeFileOf).slice(0, filesMax)
  const names = files.map((file) => file.id)
  const sizes = yield* readObjectSizes({ repository: options.repository, names })
  const small = files.filter((_, at) => (sizes[at]?.size ?? fileBytesMax) < fileBytesMax)
  const contents = yield* readObjects({
    repository: options.repository,
    names: small.map((file) => file.id)
  })
  yield* Effect.tryPromise({
    try: async () => {
      await mkdir(options.directory, { recursive: true })
      for (const [at, file] of small.entries()) {
        const path = join(options.directory, file.path)
        await mkdir(dirname(path), { recursive: true })
        await writeFile(path, contents[at]?.content ?? "")
      }
    },
    catch: (cause) =>
      new QuarantineError({ operation: "create", directory: options.directory, detail: String(cause) })
    // What is stopped half-way would go on, and bring back the folder around it that is removed meanwhile.
  }).pipe(Effect.uninterruptible)
})

// --- internal ---

const attributeFileOf = (entry: string): ReadonlyArray<{ readonly id: string; readonly path: string }> => {
  const match = /^100(?:644|755) blob ([0-9a-f]+)\t((?:.*\/)?\.gitattributes)$/s.exec(entry)
  const path = match?.[2] ?? ""
  // A tree object can name any path, so that a hostile one cannot lead out of the folder.
  const climbs = path.split("/").some((part) => part === "" || part === "." || part === "..")
  return match === null || climbs ? [] : [{ id: match[1] ?? "", path }]
}
