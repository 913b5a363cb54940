/** A poller over the real engine and a real store, for the tests of intake as a whole. */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type SourceDocument, Sources } from "@patchmoi/core/source/Sources"
import type { LogRow } from "@patchmoi/core/store/Log"
import { Store } from "@patchmoi/core/store/Store"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import { layerLocal } from "../../src/compose.ts"
import type { StateKind } from "../../src/composeEngine.ts"
import * as FeedHttp from "../../src/intake/FeedHttp.ts"
import type { PollReport } from "../../src/intake/Poller.ts"
import type { Source } from "../../src/intake/Source.ts"
import { makeSource } from "./fixtures.ts"
import type { FeedServer } from "./PollerFeedServer.ts"

/** The stores that intake is tested over. */
export const storeKinds = ["memory", "file"] as const
export type StoreKind = (typeof storeKinds)[number]

/** The source `tool`, which watches the feed of this name of the server. */
export const atomSource = (server: FeedServer, changes: object = {}): Source =>
  makeSource({ id: "tool", url: `${server.url}/tool.atom`, ...changes })

/** A folder that is removed at the end of the scope. */
export const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "patchmoi-intake-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

/** Everything below a poller: engine, store, flows of the folder, HTTP. */
export const layerIntake = (folder: string, kind: StoreKind) => {
  const state: StateKind =
    kind === "memory" ? { kind } : { kind, dataDir: join(folder, "data"), access: "write" }
  return Layer.mergeAll(
    layerLocal({
      workspaceRoot: folder,
      state,
      environment: { mode: "inherit", values: process.env, secrets: [] }
    }),
    FeedHttp.layer()
  ).pipe(Layer.provide(Logger.remove(Logger.defaultLogger)))
}

/** The whole log. */
export const readLog: Effect.Effect<ReadonlyArray<LogRow>, never, Store> = Effect.gen(function* () {
  const store = yield* Store
  const rows: Array<LogRow> = []
  while (true) {
    const page = yield* store.driver.readAfter(rows.length, 500)
    rows.push(...page)
    if (page.length === 0) return rows
  }
}).pipe(Effect.orDie)

/** The fields of the facts of one type, oldest first. */
export const factsOf = (type: string) =>
  Effect.map(readLog, (rows) =>
    rows.filter((row) => row.type === type).map((row): Record<string, unknown> => JSON.parse(row.data))
  )

/** The document of a source. */
export const sourceOf = (id: string): Effect.Effect<SourceDocument, never, Store> =>
  Effect.flatMap(Store, (store) => Effect.map(store.load(Sources, id), Option.getOrThrow)).pipe(Effect.orDie)

/** The titles of what a poll found, oldest first. */
export const titlesOf = (report: PollReport): ReadonlyArray<string> =>
  report.signals.map(({ title }) => title)
