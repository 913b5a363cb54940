/**
 * Goal: a target behaves the same whatever way leads to it. Method: one suite over real git, run through the client of
 * protocol version 2, through isomorphic-git (a server from before version 2, and one without filters), and through the
 * git program (`file://`, with and without filters).
 */
import { describe, expect, test } from "bun:test"
import process from "node:process"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Git } from "../../src/Git.ts"
import { parseBranch, parseObjectId } from "../../src/GitName.ts"
import type { GitTransport, TransportTarget } from "../../src/transport/GitTransport.ts"
import { makeHttpTransport } from "../../src/transport/HttpTransport.ts"
import { makeProgramTransport } from "../../src/transport/ProgramTransport.ts"
import { withGit } from "../support.ts"
import { makeWorld, pushOf, type World, type WorldOptions } from "./world.ts"

interface Way {
  readonly transport: typeof GitTransport.Service
  readonly target: (repository: string) => TransportTarget
  readonly world: World
}

interface WayOptions {
  readonly name: string
  /** Whether the whole suite runs by default. */
  readonly isSample?: true
  readonly prepare: (world: World) => Effect.Effect<Omit<Way, "world">, never, Git | Scope.Scope>
}

const overHttp = (set: (faults: World["server"]["faults"]) => void) => (world: World) =>
  Effect.sync(() => {
    set(world.server.faults)
    return { transport: makeHttpTransport(), target: (repository: string) => world.httpTarget(repository) }
  })

const byProgram = (filter: boolean) => (world: World) =>
  Effect.gen(function* () {
    yield* Effect.orDie(world.bare.git("config", "uploadpack.allowFilter", String(filter)))
    const target = (repository: string) => ({
      url: `file://${world.root}/${repository}`,
      authorization: null
    })
    return { transport: yield* makeProgramTransport(), target }
  })

const ways: ReadonlyArray<WayOptions> = [
  { name: "version 2", isSample: true, prepare: overHttp(() => undefined) },
  {
    name: "version 0",
    isSample: true,
    prepare: overHttp((faults) => {
      faults.oldProtocol = true
    })
  },
  {
    name: "version 2 without filters",
    prepare: overHttp((faults) => {
      faults.noFilter = true
    })
  },
  { name: "the git program", isSample: true, prepare: byProgram(true) },
  { name: "the git program without filters", prepare: byProgram(false) }
]

const paths = [".runtime-version", "a/b/version", "a/run.sh", "absent/deep/file"]

for (const { name, prepare, isSample = false } of ways) {
  const inDepth = isSample || process.env["TEST_LONG"] === "1" ? test : test.skip
  const inWorld = <A, E>(
    body: (way: Way) => Effect.Effect<A, E, Git | Scope.Scope>,
    options: WorldOptions = {}
  ) =>
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld(options)
        return yield* body({ world, ...(yield* prepare(world)) })
      })
    )

  describe(name, () => {
    inDepth(
      "reads the default branch, a named one, and one that is absent",
      inWorld(({ transport, target, world }) =>
        Effect.gen(function* () {
          const here = target("target.git")
          expect(yield* transport.readHead(here, null)).toEqual({ branch: world.branch, commit: world.first })
          expect(yield* transport.readHead(here, world.branch)).toEqual({
            branch: world.branch,
            commit: world.first
          })
          const absent = yield* parseBranch("trunk2")
          expect(yield* transport.readHead(here, absent)).toEqual({ branch: absent, commit: null })
          const error = yield* Effect.flip(transport.readHead(target("nowhere.git"), null))
          expect(error._tag).toBe("RepositoryNotFound")
        })
      )
    )

    inDepth(
      "says that a repository is empty, or that its default branch has no commit",
      inWorld(({ transport, target }) =>
        Effect.gen(function* () {
          const found = yield* Effect.either(transport.readHead(target("empty.git"), null))
          if (found._tag === "Right") expect(found.right.commit).toBeNull()
          else expect(found.left._tag).toBe("EmptyRepository")
        })
      )
    )

    test(
      "reads entries, names of folders and one file",
      inWorld(({ transport, target, world }) =>
        Effect.gen(function* () {
          const here = target("target.git")
          const folders = [".github/workflows", "absent/folder"]
          const view = yield* transport.readCommit(here, { commit: world.first, paths, folders })
          expect(view.namesIn(".github/workflows")).toEqual(["build.yml"])
          expect(view.namesIn("absent/folder")).toEqual([])
          expect(view.entryOf("a/run.sh")?.mode).toBe("100755")
          expect(view.entryOf("absent/deep/file")).toBeNull()
          expect(() => view.entryOf("docs/read.md")).toThrow(RangeError)
          const entry = view.entryOf("a/b/version")
          const oid = yield* parseOid(world, "a/b/version")
          expect(entry).toEqual({ mode: "100644", oid })
          const file = { oid, commit: world.first, path: "a/b/version", bytesMax: 100 }
          expect(Buffer.from(yield* transport.readBlob(here, file)).toString()).toBe("1.0.0\n")
          const error = yield* Effect.flip(transport.readBlob(here, { ...file, bytesMax: 5 }))
          expect(["AnswerTooLarge", "ProtocolBroken"]).toContain(error._tag)
        })
      )
    )

    inDepth(
      "pushes commits that change one file each, and leaves a repository that fsck accepts",
      inWorld(({ transport, target, world }) =>
        Effect.gen(function* () {
          const here = target("target.git")
          let view = yield* transport.readCommit(here, { commit: world.first, paths })
          for (const path of paths) {
            const pushed = yield* transport.pushFile(here, pushOf({ branch: world.branch, view, path }))
            expect(yield* world.bare.git("rev-parse", world.branch)).toBe(pushed.commit)
            expect(yield* world.bare.git("diff", "--name-only", `${pushed.commit}~`, pushed.commit)).toBe(
              path
            )
            expect(yield* world.bare.git("show", `${pushed.commit}:${path}`)).toBe("2.0.0")
            view = pushed.view
          }
          expect(yield* world.bare.git("ls-tree", "trunk", "a/run.sh")).toStartWith("100755")
          expect(yield* world.bare.git("log", "-1", "--format=%an <%ae> %at %cn %ct %s")).toBe(
            "Cascade <cascade@example.com> 1800000000 Cascade 1800000000 chore: pin runtime to 2.0.0"
          )
          expect(yield* world.bare.git("fsck", "--strict", "--full")).toBe("")
        })
      )
    )

    inDepth(
      "is stale when the branch moved on, went back, or is gone; nothing is overwritten",
      inWorld(({ transport, target, world }) =>
        Effect.gen(function* () {
          const { bare, work, branch, first } = world
          const here = target("target.git")
          const second = yield* work.commit("second", { other: "x" })
          yield* work.git("push", "--quiet", bare.directory, "trunk")
          const stale = (commit: typeof first) =>
            Effect.gen(function* () {
              const view = yield* transport.readCommit(here, { commit, paths })
              return {
                push: Effect.flip(transport.pushFile(here, pushOf({ branch, view })))
              }
            })
          const onFirst = yield* stale(first)
          expect((yield* onFirst.push)._tag).toBe("StaleHead")
          expect(yield* bare.git("rev-parse", "trunk")).toBe(second)
          const onSecond = yield* stale(second)
          yield* bare.git("update-ref", "refs/heads/trunk", first)
          expect((yield* onSecond.push)._tag).toBe("StaleHead")
          expect(yield* bare.git("rev-parse", "trunk")).toBe(first)
          yield* bare.git("update-ref", "-d", "refs/heads/trunk")
          expect((yield* onFirst.push)._tag).toBe("StaleHead")
          expect(yield* bare.git("for-each-ref", "refs/heads")).toBe("")
        })
      )
    )

    inDepth(
      "finds the last change of a path, or that it is older than what was looked at",
      inWorld(({ transport, target, world }) =>
        Effect.gen(function* () {
          const { work, bare } = world
          const here = target("target.git")
          const changed = yield* work.commit("pin\n\nby hand\n", { "a/b/version": "1.1.0\n" })
          for (const at of [1, 2, 3]) yield* work.commit(`other ${at}`, { other: `${at}`, "a/side": `${at}` })
          const tip = yield* work.commit("last", { other: "last" })
          yield* work.git("push", "--quiet", bare.directory, "trunk")
          const look = (commitsMax: number, path = "a/b/version") =>
            transport.readLastChange(here, { commit: tip, path, commitsMax })
          expect(yield* look(10)).toEqual({
            commit: changed,
            parent: yield* parseObjectId(yield* work.git("rev-parse", `${changed}^`)),
            author: { name: "Ada Author", email: "ada@example.com" },
            message: "pin\n\nby hand\n"
          })
          expect((yield* look(5))?.commit).toBe(changed)
          expect(yield* look(4)).toBeNull()
          expect((yield* look(10, ".runtime-version"))?.commit).toBe(world.first)
          expect(yield* look(10, "never/there")).toBeNull()
        })
      )
    )

    inDepth(
      "gives a hook's words when it declines",
      inWorld(({ transport, target, world }) =>
        Effect.gen(function* () {
          const { bare, branch } = world
          const here = target("target.git")
          const say = "printf 'not on a\\033[31m Sunday\\007\\n  https://me:secret@host/ \\n' >&2; exit 1"
          // Over HTTP the server's own hooks hold, so the hook's words come by the knob there.
          yield* bare.write({ "hooks/pre-receive": { content: `#!/bin/sh\n${say}\n`, executable: true } })
          world.server.faults.declinePush = "not on a\u001b[31m Sunday\u0007\n  https://me:secret@host/ "
          const view = yield* transport.readCommit(here, { commit: world.first, paths })
          const error = yield* Effect.flip(transport.pushFile(here, pushOf({ branch, view })))
          if (error._tag !== "HookDeclined") throw error
          expect(error.said).toBe("not on a Sunday\nhttps://***@host/\npre-receive hook declined")
          expect(yield* bare.git("rev-parse", branch)).toBe(world.first)
        })
      )
    )

    inDepth(
      "reads and writes a SHA-256 repository, or says that it cannot",
      inWorld(
        ({ transport, target, world }) =>
          Effect.gen(function* () {
            const here = target("target.git")
            const head = yield* transport.readHead(here, null)
            expect(head.commit).toBe(world.first)
            const read = yield* Effect.either(transport.readCommit(here, { commit: world.first, paths }))
            if (read._tag === "Left") return expect(read.left._tag).toBe("ProtocolUnsupported")
            const pushed = yield* transport.pushFile(here, pushOf({ branch: head.branch, view: read.right }))
            expect(pushed.commit).toHaveLength(64)
            expect(yield* world.bare.git("rev-parse", "trunk")).toBe(pushed.commit)
            expect(yield* world.bare.git("fsck", "--strict")).toBe("")
          }),
        { objectFormat: "sha256" }
      )
    )
  })
}

const parseOid = (world: World, path: string) =>
  Effect.flatMap(world.work.git("rev-parse", `trunk:${path}`), (text) => parseObjectId(text))
