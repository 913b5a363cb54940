/** A host is asked once what it is able to do; repositories that differ from it are found out. */
import { describe, expect, test } from "bun:test"
import { cp } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { parseObjectId } from "../../src/GitName.ts"
import { tempRepoAt } from "../../src/testing/TempRepo.ts"
import { makeHttpTransport } from "../../src/transport/HttpTransport.ts"
import { withGit } from "../support.ts"
import { makeWorld, type World } from "./world.ts"

const path = ".runtime-version"
const discoveries = (world: World) => world.server.log.filter((one) => one.method === "GET").length

describe("a host", () => {
  test(
    "is asked once for many repositories at the same time",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const names = Array.from({ length: 12 }, (_, at) => `copy${at}.git`)
        for (const name of names)
          yield* Effect.promise(() => cp(world.bare.directory, join(world.root, name), { recursive: true }))
        const transport = makeHttpTransport()
        yield* Effect.forEach(names, (name) => transport.readHead(world.httpTarget(name), null), {
          concurrency: "unbounded"
        })
        expect(discoveries(world)).toBe(1)
        expect(world.server.requests()).toBe(13)
      })
    )
  )

  test(
    "whose first repository is missing is asked by the others; nothing is concluded from an empty one",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        world.server.faultsOf.set("empty.git", { oldProtocol: true })
        const transport = makeHttpTransport()
        const [missing, found] = yield* Effect.all(
          [
            Effect.flip(transport.readHead(world.httpTarget("missing.git"), null)),
            transport.readHead(world.httpTarget(), null)
          ],
          { concurrency: "unbounded" }
        )
        expect(missing._tag).toBe("RepositoryNotFound")
        expect(found.commit).toBe(world.first)
        const fresh = makeHttpTransport()
        const empty = yield* Effect.flip(fresh.readHead(world.httpTarget("empty.git"), null))
        expect(empty._tag).toBe("EmptyRepository")
        const before = discoveries(world)
        yield* fresh.readCommit(world.httpTarget(), { commit: world.first, paths: [path] })
        expect(discoveries(world)).toBe(before + 1)
      })
    )
  )
})

describe("a repository that differs from its host", () => {
  test(
    "by its age, by its filters, or by its object format is read all the same, and remembered",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const other = yield* makeWorld({ objectFormat: "sha256" })
        const add = (from: World, name: string) =>
          Effect.promise(() => cp(from.bare.directory, join(world.root, name), { recursive: true }))
        yield* add(world, "old.git")
        yield* add(world, "whole.git")
        yield* add(other, "sha256.git")
        world.server.faultsOf.set("old.git", { oldProtocol: true })
        world.server.faultsOf.set("whole.git", { noFilter: true })
        const transport = makeHttpTransport()
        yield* transport.readHead(world.httpTarget(), null)
        for (const name of ["old.git", "whole.git", "sha256.git"]) {
          const target = world.httpTarget(name)
          const repo = yield* tempRepoAt(join(world.root, name))
          const expected = yield* parseObjectId(yield* repo.git("rev-parse", "trunk"))
          for (const round of [1, 2]) {
            const before = discoveries(world)
            expect((yield* transport.readHead(target, null)).commit).toBe(expected)
            const view = yield* transport.readCommit(target, { commit: expected, paths: [path] })
            expect(view.entryOf(path)?.mode).toBe("100644")
            // Once more the list of refs of an old server, and once for isomorphic-git, are the price of each reading.
            if (round === 2) expect(discoveries(world) - before).toBeLessThanOrEqual(2)
          }
        }
      })
    )
  )
})
