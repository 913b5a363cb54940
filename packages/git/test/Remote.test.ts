/** Fetch, tags and pushes against a real server: `git http-backend` on loopback. */
import { describe, expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { pushRef } from "../src/Push.ts"
import { fetchRemote, listRemoteRefs, resolveTag } from "../src/Remote.ts"
import { openRepository } from "../src/Repository.ts"
import { makeGitHttpServer } from "../src/testing/GitHttpServer.ts"
import { makeTempDirectory, makeTempRepo, tempRepoAt } from "../src/testing/TempRepo.ts"
import { readUpstreamCommits } from "../src/UpstreamRefs.ts"
import { withGit } from "./support.ts"

/** An upstream and a fork on a server, and a clone that knows both. */
const makeWorld = Effect.gen(function* () {
  const root = yield* makeTempDirectory
  const server = yield* makeGitHttpServer({ root })
  const bare = (name: string) =>
    Effect.gen(function* () {
      const home = yield* tempRepoAt(root)
      yield* home.git("init", "--quiet", "--bare", "--initial-branch=main", name)
      return yield* tempRepoAt(join(root, name))
    })
  const upstream = yield* bare("upstream.git")
  const fork = yield* bare("fork.git")
  const work = yield* makeTempRepo()
  const first = yield* work.commit("first", { "a.txt": "a\n" })
  yield* work.git("remote", "add", "upstream", `${server.url}/upstream.git`)
  yield* work.git("remote", "add", "origin", `${server.url}/fork.git`)
  yield* work.git("push", "--quiet", upstream.directory, "main", `${first}:refs/tags/release/1.0`)
  yield* work.git("push", "--quiet", fork.directory, "main")
  const second = yield* work.commit("second", { "a.txt": "b\n" })
  const repository = yield* openRepository({ directory: work.directory })
  return { server, upstream, fork, work, first, second, repository }
})

const pushed = (world: Effect.Effect.Success<typeof makeWorld>, ref: string) => ({
  repository: world.repository,
  remote: "origin",
  ref,
  commit: world.second,
  expected: world.first,
  upstreamRemote: "upstream"
})

describe("fetch", () => {
  test(
    "keeps upstream's tags apart from the fork's, and tells when one was moved",
    withGit(() =>
      Effect.gen(function* () {
        const { repository, upstream, work, first, second } = yield* makeWorld
        yield* work.git("tag", "release/1.0", second)
        const fetched = yield* fetchRemote({ repository, remote: "upstream" })
        expect(fetched.changes.map((change) => change.ref.toString())).toEqual([
          "refs/patchmoi/tags/upstream/release/1.0",
          "refs/remotes/upstream/main"
        ])
        expect(fetched.retagged).toEqual([])
        expect((yield* resolveTag({ repository, tag: "release/1.0", remote: "upstream" })).commit).toBe(first)
        expect((yield* resolveTag({ repository, tag: "release/1.0" })).commit).toBe(second)
        expect(yield* readUpstreamCommits({ repository, remote: "upstream" })).toEqual([first])
        yield* work.git("push", "--quiet", upstream.directory, `+${second}:refs/tags/release/1.0`)
        const again = yield* fetchRemote({ repository, remote: "upstream" })
        expect(again.retagged).toEqual(["release/1.0"])
        expect((yield* fetchRemote({ repository, remote: "upstream" })).changes).toEqual([])
      })
    )
  )

  test(
    "writes no ref of our own, whatever the settings of the remote map to it",
    withGit(() =>
      Effect.gen(function* () {
        const { repository, upstream, work, second } = yield* makeWorld
        yield* work.git("push", "--quiet", upstream.directory, `+${second}~:refs/heads/patch/a`)
        yield* work.git("config", "remote.upstream.fetch", "+refs/*:refs/*")
        yield* work.git("branch", "patch/a", second)
        yield* work.git("tag", "release/1.0", second)
        const { changes } = yield* fetchRemote({ repository, remote: "upstream" })
        expect(changes.map(({ ref }) => ref.toString())).toEqual([
          "refs/patchmoi/tags/upstream/release/1.0",
          "refs/remotes/upstream/main",
          "refs/remotes/upstream/patch/a"
        ])
        expect(yield* work.git("rev-parse", "patch/a", "refs/tags/release/1.0")).toBe(`${second}\n${second}`)
      })
    )
  )

  test(
    "a kept ref that upstream has no more gives way to one that needs its place, and only that one does",
    withGit(() =>
      Effect.gen(function* () {
        const { first, repository, second, upstream, work } = yield* makeWorld
        const to = (...refs: ReadonlyArray<string>) =>
          work.git("push", "--quiet", upstream.directory, ...refs.map((ref) => `+${second}:${ref}`))
        yield* to("refs/tags/v2", "refs/tags/v3/a", "refs/tags/gone", "refs/heads/old", "refs/heads/next")
        yield* fetchRemote({ repository, remote: "upstream" })
        for (const ref of ["tags/v2", "tags/v3/a", "tags/gone", "heads/old", "heads/next"]) {
          yield* upstream.git("update-ref", "-d", `refs/${ref}`)
        }
        yield* to("refs/tags/v2/beta", "refs/tags/v3", "refs/heads/next/one")
        const { changes } = yield* fetchRemote({ repository, remote: "upstream", prune: false })
        const kept = "refs/patchmoi/tags/upstream"
        expect(changes.map(({ after, ref }) => [ref.toString(), after])).toEqual([
          [`${kept}/v2`, null],
          [`${kept}/v2/beta`, second],
          [`${kept}/v3`, second],
          [`${kept}/v3/a`, null],
          ["refs/remotes/upstream/next", null],
          ["refs/remotes/upstream/next/one", second]
        ])
        expect(yield* work.git("rev-parse", `${kept}/gone`, "upstream/old")).toBe(`${second}\n${second}`)
        expect((yield* resolveTag({ repository, tag: "release/1.0", remote: "upstream" })).commit).toBe(first)
      })
    )
  )

  test(
    "peels annotated tags and refuses unknown ones",
    withGit(() =>
      Effect.gen(function* () {
        const { repository, work, second } = yield* makeWorld
        yield* work.git("tag", "-a", "-m", "annotated", "v9", second)
        expect((yield* resolveTag({ repository, tag: "v9" })).commit).toBe(second)
        const error = yield* resolveTag({ repository, tag: "v10", remote: "upstream" }).pipe(Effect.flip)
        expect(error).toMatchObject({ _tag: "TagNotFound", tag: "v10" })
      })
    )
  )

  test(
    "never lets a remote's name become an option",
    withGit(() =>
      Effect.gen(function* () {
        const { repository } = yield* makeWorld
        const witness = join(repository.directory, "pwned")
        for (const remote of [
          `--upload-pack=touch ${witness}`,
          "-oProxyCommand=x",
          `ext::touch ${witness}`
        ]) {
          const error = yield* fetchRemote({ repository, remote }).pipe(Effect.flip)
          expect(error._tag).toBe("InvalidName")
        }
        expect(existsSync(witness)).toBe(false)
      })
    )
  )

  test(
    "says that a remote is unreachable when it answers with an error or too late",
    withGit(() =>
      Effect.gen(function* () {
        const { repository, server } = yield* makeWorld
        server.faults.status = 503
        const refused = yield* fetchRemote({ repository, remote: "upstream" }).pipe(Effect.flip)
        expect(refused).toMatchObject({ _tag: "RemoteUnreachable", remote: "upstream" })
        server.faults.status = null
        server.faults.latencyMillis = 5_000
        const late = yield* fetchRemote({ repository, remote: "upstream", timeoutMillis: 300 }).pipe(
          Effect.flip
        )
        expect(late._tag).toBe("RemoteUnreachable")
      })
    )
  )
})

describe("push", () => {
  test(
    "moves the ref from the expected value, and is up to date afterwards",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const options = pushed(world, "refs/heads/main")
        expect((yield* pushRef(options))._tag).toBe("Pushed")
        expect(yield* world.fork.git("rev-parse", "main")).toBe(world.second)
        expect((yield* pushRef(options))._tag).toBe("UpToDate")
        const fresh = yield* pushRef({ ...pushed(world, "refs/heads/candidate/v2"), expected: null })
        expect(fresh._tag).toBe("Pushed")
      })
    )
  )

  test(
    "is stale when the remote is not what was expected, also for a ref that must not exist",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const wrong = yield* pushRef({
          ...pushed(world, "refs/heads/main"),
          expected: world.second,
          commit: world.second
        })
        expect(wrong).toMatchObject({ _tag: "Stale", actual: world.first })
        const exists = yield* pushRef({ ...pushed(world, "refs/heads/main"), expected: null })
        expect(exists).toMatchObject({ _tag: "Stale", expected: null, actual: world.first })
        expect(yield* world.fork.git("rev-parse", "main")).toBe(world.first)
      })
    )
  )

  test(
    "a remote with several addresses has it when all of them do",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        const { fork, server, upstream, work } = world
        yield* work.git("config", "--add", "remote.origin.pushurl", `${server.url}/fork.git`)
        yield* work.git("config", "--add", "remote.origin.pushurl", `${server.url}/upstream.git`)
        yield* fork.git("branch", "one", world.first)
        const other = yield* pushRef(pushed(world, "refs/heads/one"))
        expect(other).toMatchObject({ _tag: "Stale" })
        expect(yield* fork.git("rev-parse", "one")).toBe(world.second)
        yield* work.git("config", "remote.origin.pushurl", `${server.url}/gone.git`, "upstream")
        const gone = yield* pushRef({ ...pushed(world, "refs/heads/two"), expected: null })
        expect(gone).toMatchObject({ _tag: "Unreachable" })
        expect(yield* upstream.git("for-each-ref", "refs/heads/two")).toBe("")
      })
    )
  )

  test(
    "goes to single refs from a clone that was made as a mirror, too",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        yield* world.fork.git("branch", "other", world.first)
        yield* world.work.git("config", "remote.origin.mirror", "true")
        const outcome = yield* pushRef(pushed(world, "refs/heads/main"))
        expect(outcome).toMatchObject({ _tag: "Pushed" })
        expect(yield* world.fork.git("rev-parse", "main", "other")).toBe(`${world.second}\n${world.first}`)
      })
    )
  )

  test(
    "hands on what a declining server says",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        world.server.faults.declinePush = "main is protected here"
        const outcome = yield* pushRef(pushed(world, "refs/heads/main"))
        if (outcome._tag !== "Declined") throw new Error(outcome._tag)
        expect(outcome.message).toContain("pre-receive hook declined")
        expect(outcome.message).toContain("main is protected here")
        expect(yield* world.fork.git("rev-parse", "main")).toBe(world.first)
      })
    )
  )

  test(
    "is unreachable when the server fails",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        world.server.faults.status = 500
        const outcome = yield* pushRef({ ...pushed(world, "refs/heads/main"), upstreamRemote: null })
        expect(outcome._tag).toBe("Unreachable")
      })
    )
  )

  test(
    "never publishes under the name of an upstream tag",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld
        for (const ref of ["refs/tags/release/1.0", "refs/heads/release/1.0"]) {
          const error = yield* pushRef({ ...pushed(world, ref), expected: null }).pipe(Effect.flip)
          expect(error).toMatchObject({ _tag: "PublishedRefIsUpstreamTag", ref })
        }
        const { repository } = world
        const refs = yield* listRemoteRefs({ repository, remote: "origin", patterns: ["refs/*"] })
        expect([...refs.keys()]).toEqual(["refs/heads/main"])
      })
    )
  )
})
