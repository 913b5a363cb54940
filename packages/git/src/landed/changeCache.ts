/**
 * The index of a range on the disk, below `patchmoi/changes` in the git folder that all work trees share.
 *
 * 1. The name of a file is a digest of the range, of git's version and of all settings that decide a patch id.
 * 2. A file is written aside and renamed, so that nobody reads half of one. It carries a digest of itself: one that is
 *    broken, cut or altered by accident is as good as none, and is written anew.
 * 3. There are at most `filesMax` files of at most `fileBytesMax` each; the ones that were not used for longest go first.
 * 4. A cache that cannot be read or written costs time and nothing else. What it says is never enough to leave a patch
 *    out: `findLanded` compares the diffs of a match again.
 */
import { createHash } from "node:crypto"
import { readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises"
import { join } from "node:path"
import process from "node:process"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import * as Schema from "effect/Schema"
import { Git } from "../Git.ts"
import { ObjectId } from "../GitName.ts"
import { type DiffRoom, diffSettings } from "../internal/diffs.ts"
import { makeSharedFolder } from "../internal/sharedFolder.ts"
import type { ChangeIndex, CommitChange } from "./changeIndex.ts"

/** Files that are kept. */
export const filesMax = 16

/** Longest file, in bytes. The index of a longer range is not kept. */
export const fileBytesMax = 16 * 1024 * 1024

/** Where the files lie. */
export const cacheDirectoryOf = ({ repository }: Pick<DiffRoom, "repository">): string =>
  join(repository.commonDirectory, "patchmoi", "changes")

/** The file for the ranges from the roots to `onto`. */
export const cacheFileOf = (room: DiffRoom, roots: ReadonlyArray<ObjectId>, onto: ObjectId) =>
  Effect.map(Git, ({ version }) => {
    const key = [formatVersion, version.major, version.minor, ...diffSettings, onto, ...[...roots].sort()]
    const digest = createHash("sha256").update(JSON.stringify(key)).digest("hex")
    return join(cacheDirectoryOf(room), `${digest.slice(0, 40)}.json`)
  })

/** The index in the file; an empty one where there is none that can be used. */
export const readCache = (file: string): Effect.Effect<ChangeIndex> =>
  Effect.gen(function* () {
    const nowSeconds = (yield* Clock.currentTimeMillis) / 1000
    const text = yield* Effect.promise(async () => {
      try {
        if ((await stat(file)).size > fileBytesMax) return ""
        const content = await readFile(file, "utf8")
        await utimes(file, nowSeconds, nowSeconds)
        return content
      } catch {
        return ""
      }
    })
    return indexIn(text)
  })

/** Writes the index. Gives whether it was kept. */
export const writeCache = (file: string, index: ChangeIndex): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    const rows = [...index].map(
      ([commit, { pathsKey, paths, patchId }]): Row => ({
        commit,
        pathsKey,
        paths,
        ...(patchId === undefined ? {} : { patchId })
      })
    )
    const body = JSON.stringify(rows)
    const content = `${digestOf(body)}\n${body}`
    if (content.length > fileBytesMax) return false
    const aside = `${file}.${process.pid}.tmp`
    try {
      const directory = join(file, "..")
      await makeSharedFolder(directory)
      await writeFile(aside, content)
      await rename(aside, file)
      await removeOldest(directory)
      return true
    } catch {
      // A full disk or a folder of somebody else: the next run looks again, and that is all.
      await rm(aside, { force: true }).catch(() => undefined)
      return false
    }
  })

// --- internal ---

/** Raise it when rows mean something else. */
const formatVersion = 1

const Row = Schema.Struct({
  commit: ObjectId,
  pathsKey: Schema.String,
  paths: Schema.Array(Schema.String),
  patchId: Schema.optional(Schema.NullOr(Schema.String))
})
type Row = typeof Row.Type

const Rows = Schema.parseJson(Schema.Array(Row))

const digestOf = (body: string): string => createHash("sha256").update(body).digest("hex")

const indexIn = (text: string): ChangeIndex => {
  const lineEnd = text.indexOf("\n")
  const body = text.slice(lineEnd + 1)
  if (lineEnd < 0 || digestOf(body) !== text.slice(0, lineEnd)) return new Map()
  const rows = Either.getOrElse(Schema.decodeEither(Rows)(body), () => [])
  return new Map(
    rows.map(({ commit, pathsKey, paths, patchId }): [ObjectId, CommitChange] => [
      commit,
      { pathsKey, paths, ...(patchId === undefined ? {} : { patchId }) }
    ])
  )
}

const removeOldest = async (directory: string): Promise<void> => {
  const names = await readdir(directory)
  if (names.length <= filesMax) return
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(directory, name)
      // Another process may remove the same file at the same time.
      const found = await stat(path).catch(() => null)
      return { path, usedAt: found?.mtimeMs ?? 0 }
    })
  )
  aged.sort((a, b) => b.usedAt - a.usedAt)
  for (const { path } of aged.slice(filesMax)) await rm(path, { force: true })
}
