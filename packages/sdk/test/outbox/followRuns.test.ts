import { expect } from "bun:test"
import { EventId, MaintenanceAttemptId, RunId } from "@patchmoi/core/Ids"
import { MaintenanceAttempts } from "@patchmoi/core/maintenance/MaintenanceAttempts"
import { layerMemory, Store } from "@patchmoi/core/store/Store"
import { layer } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { followedAt } from "../../src/outbox/followRuns.ts"

const url = "http://backend.example"
const count = 230

layer("attempts that are followed", layerMemory, (it) => {
  it.effect("come page by page, oldest first, each once, and those of other backends not at all", () =>
    Effect.gen(function* () {
      const store = yield* Store
      const ids = Array.from({ length: count }, (_, index) => `e${String(index).padStart(3, "0")}:dispatch:1`)
      for (const [index, id] of ids.entries()) {
        yield* open(store, id, url)
        if (index % 10 === 0) yield* open(store, `other:${id}`, "http://other.example")
      }
      const found: Array<string> = []
      let cursor: string | undefined
      let pages = 0
      do {
        const page = yield* followedAt(store, url, cursor)
        found.push(...page.items.map(({ id }) => id))
        cursor = page.cursor
        pages += 1
      } while (cursor !== undefined && pages < count)
      expect(found).toEqual(ids)
      expect(pages).toBeGreaterThan(1)
    })
  )
})

// --- internal ---

/** An attempt whose one run this backend has. */
const open = (store: typeof Store.Service, id: string, workspaceBackendUrl: string) =>
  store.transact((unit) =>
    Effect.gen(function* () {
      const execute = (command: Parameters<typeof MaintenanceAttempts.decide>[0]) =>
        unit.execute(MaintenanceAttempts, MaintenanceAttemptId.make(id), command)
      yield* execute({
        _tag: "Open",
        eventId: EventId.make(`event-${id}`),
        eventType: "t",
        operation: "dispatch",
        upstream: {},
        runIds: [],
        workspaceBackendUrl
      })
      yield* execute({ _tag: "RecordRuns", runIds: [RunId.make(`run-${id}`)] })
    })
  )
