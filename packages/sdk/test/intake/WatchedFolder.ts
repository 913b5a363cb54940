/** A folder with a sources file, and the forge that its sources are at: for the tests of the watching service. */
import { rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { plainSource } from "./fixtures.ts"
import { type FeedServer, startFeedServer } from "./PollerFeedServer.ts"

/** The forge of a test, on loopback. */
export const server = Effect.acquireRelease(Effect.sync(startFeedServer), (started) =>
  Effect.promise(async () => started[Symbol.asyncDispose]())
)

/** A source of the sources file. */
export const entry = (forge: FeedServer, name: string, changes: object = {}) => ({
  ...plainSource,
  id: name,
  url: `${forge.url}/${name}.atom`,
  ...changes
})

/** Puts the text in place at once: a service that reads meanwhile sees the one before or this one. */
export const writeText = (folder: string, text: string) =>
  Effect.promise(async () => {
    const path = join(folder, "feed-sources.json")
    await writeFile(`${path}.new`, text)
    await rename(`${path}.new`, path)
  })

/** The same for a list of sources. */
export const writeSources = (folder: string, sources: ReadonlyArray<object>) =>
  writeText(folder, JSON.stringify({ sources }))
