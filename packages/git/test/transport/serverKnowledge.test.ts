/** A host is asked what it is able to do when it is not a usual one, and once; repositories that differ are found out. */
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
const bytesOf = (body: unknown): Uint8Array => (body instanceof Uint8Array ? body : new Uint8Array())
const discoveries = (world: World) => world.server.log.filter((one) => one.method === "GET").length

/** Twelve copies of the repository on the same host. */
const addCopies = Effect.fnUntraced(function* (world: World) {
  const names = Array.from({ length: 12 }, (_, at) => `copy${at}.git`)
  for (const name of names)
    yield* Effect.promise(() => cp(world.bare.directory, join(world.root, name), { recursive: true }))
  return names
})

describe("a host", () => {
  test(
    "of the usual kind is asked nothing, for however many repositories at the same time",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const names = yield* addCopies(world)
        const transport = makeHttpTransport()
        yield* Effect.forEach(names, (name) => transport.readHead(world.httpTarget(name), null), {
          concurrency: "unbounded"
        })
        expect(discoveries(world)).toBe(0)
        expect(world.server.requests()).toBe(12)
      })
    )
  )

  test(
    "without filters is asked once for many repositories at the same time, and then known",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const names = yield* addCopies(world)
        world.server.faults.noFilter = true
        const transport = makeHttpTransport()
        const read = (name: string) =>
          transport.readCommit(world.httpTarget(name), { commit: world.first, paths: [path] })
        const views = yield* Effect.forEach(names, read, { concurrency: "unbounded" })
        expect(views.map((view) => view.entryOf(path)?.mode)).toEqual(names.map(() => "100644"))
        // One question for the host, and one of isomorphic-git for each repository.
        expect(discoveries(world)).toBe(1 + names.length)
        const before = world.server.requests()
        yield* read("target.git")
        expect(world.server.requests()).toBe(before + 2)
      })
    )
  )

  test(
    "without filters sends files as well, and more than the limit of them is not unpacked",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        world.server.faults.noFilter = true
        // Zeros are a thousand times smaller on the way.
        const args = [
          "-c",
          "core.bigFileThreshold=1g",
          "-c",
          "core.compression=1",
          "hash-object",
          "-w",
          "--stdin"
        ]
        const blob = yield* world.work.run({ args, stdin: new Uint8Array(257 * 1024 * 1024) })
        yield* world.work.git("update-index", "--add", "--cacheinfo", `100644,${blob},big`)
        yield* world.work.git("commit", "--quiet", "-m", "big")
        yield* world.work.git("push", "--quiet", world.bare.directory, "HEAD:trunk")
        const commit = yield* parseObjectId(yield* world.work.git("rev-parse", "HEAD"))
        const error = yield* makeHttpTransport()
          .readCommit(world.httpTarget(), { commit, paths: [path] })
          .pipe(Effect.flip)
        expect(error).toMatchObject({ _tag: "ProtocolBroken", afterSend: false })
        expect(error.message).toContain("larger than the limit")
      })
    )
  )

  test(
    "that says with a status that it does not understand is asked, and read by what it tells",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        world.server.faults.oldProtocol = true
        for (const status of [400, 405, 500]) {
          const sent: Array<string> = []
          const transport = makeHttpTransport({
            fetch: async (url, init) => {
              sent.push(`${init.method}`)
              const isVersion2 = `${new TextDecoder().decode(bytesOf(init.body))}`.includes("command=")
              return isVersion2 ? new Response("what?", { status }) : fetch(url, init)
            }
          })
          const head = yield* transport.readHead(world.httpTarget(), null)
          expect(head.commit).toBe(world.first)
          const view = yield* transport.readCommit(world.httpTarget(), { commit: world.first, paths: [path] })
          expect(view.entryOf(path)?.mode).toBe("100644")
          expect(sent.slice(0, 3)).toEqual(["POST", "GET", "GET"])
        }
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
        expect(discoveries(world)).toBe(before)
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
