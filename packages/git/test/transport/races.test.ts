/**
 * Goal: no commit of anybody is ever lost. Method: between our reading and our push, seeded writers push to the same branch,
 * with git and with this transport; afterwards every commit that anybody was told of is an ancestor of the head.
 * 15 races by default, 500 with TEST_LONG=1.
 */
import { expect, test } from "bun:test"
import process from "node:process"
import * as Effect from "effect/Effect"
import type { ObjectId } from "../../src/GitName.ts"
import type { GitTransport, TransportTarget } from "../../src/transport/GitTransport.ts"
import { makeHttpTransport } from "../../src/transport/HttpTransport.ts"
import { makeProgramTransport } from "../../src/transport/ProgramTransport.ts"
import { withGit } from "../support.ts"
import { makeWorld, pushOf, type World } from "./world.ts"

const races = process.env["TEST_LONG"] === "1" ? 500 : 15
const triesMax = 40

/** Numbers from a seed (mulberry32), so that a failing race can be made again. */
const randomOf = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

interface Writer {
  readonly transport: typeof GitTransport.Service
  readonly target: TransportTarget
  readonly path: string
}

/** Reads and pushes until it is through, as the cascade does; gives the commit and how often it was too late. */
const write = Effect.fnUntraced(function* (world: World, writer: Writer, content: string) {
  const { transport, target, path } = writer
  for (let tries = 0; tries < triesMax; tries++) {
    const head = yield* transport.readHead(target, world.branch)
    if (head.commit === null) return yield* Effect.dieMessage("the branch is gone")
    const view = yield* transport.readCommit(target, { commit: head.commit, paths: [path] })
    const options = pushOf({ branch: world.branch, view, path, content: Buffer.from(content) })
    const pushed = yield* Effect.either(transport.pushFile(target, options))
    if (pushed._tag === "Right") return { commit: pushed.right.commit, tries }
    if (pushed.left._tag !== "StaleHead") return yield* pushed.left
  }
  return yield* Effect.dieMessage(`not through after ${triesMax} tries`)
})

/** Every push of ours waits while someone else pushes by git itself, a seeded number of times per race. */
const race = Effect.fnUntraced(function* (world: World, writers: ReadonlyArray<Writer>, seed: number) {
  const random = randomOf(seed)
  let intruders = random(3)
  const intruded: Array<ObjectId> = []
  const intrude = Effect.gen(function* () {
    yield* world.work.git("fetch", "--quiet", world.bare.directory, "trunk")
    yield* world.work.git("reset", "--quiet", "--hard", "FETCH_HEAD")
    const commit = yield* world.work.commit(`intruder ${seed}`, {
      [`other${random(5)}`]: `${seed}.${intruders}\n`
    })
    const pushed = yield* world.work.run({
      args: ["push", "--quiet", world.bare.directory, "HEAD:trunk"],
      okExitCodes: [0, 1]
    })
    const head = yield* world.bare.git("rev-parse", "trunk")
    if (head === commit) intruded.push(commit)
    return pushed
  })
  const gate = Effect.unsafeMakeSemaphore(1)
  world.server.faults.beforePush = async () => {
    if (intruders-- > 0) await Effect.runPromise(gate.withPermits(1)(Effect.orDie(intrude)))
  }
  const chosen = writers.slice(0, 1 + random(writers.length))
  const written = yield* Effect.forEach(
    chosen,
    (writer, at) =>
      write(world, { ...writer, path: random(2) === 0 ? writer.path : "shared/file" }, `${seed} ${at}\n`),
    { concurrency: "unbounded" }
  )
  world.server.faults.beforePush = null
  const all = [...written.map(({ commit }) => commit), ...intruded]
  const merged = yield* world.bare.git("rev-list", "trunk")
  for (const commit of all) expect(merged.includes(commit)).toBe(true)
  return {
    stale: written.reduce((sum, { tries }) => sum + tries, 0),
    head: yield* world.bare.git("rev-parse", "trunk")
  }
})

test(
  `${races} races lose no commit, and none is forced`,
  withGit(() =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const program = yield* makeProgramTransport()
      const http = makeHttpTransport()
      const writers: ReadonlyArray<Writer> = [
        { transport: http, target: world.httpTarget(), path: ".runtime-version" },
        { transport: http, target: world.httpTarget(), path: "a/b/version" },
        {
          transport: program,
          target: { url: `file://${world.bare.directory}`, authorization: null },
          path: "by/program"
        }
      ]
      let stale = 0
      let before: string = world.first
      for (let seed = 1; seed <= races; seed++) {
        const result = yield* race(world, writers, seed)
        stale += result.stale
        // The branch only ever grew: what it was is still below what it is.
        yield* world.bare.git("merge-base", "--is-ancestor", before, result.head)
        before = result.head
      }
      expect(stale).toBeGreaterThan(races / 3)
      yield* world.bare.git("fsck", "--strict", "--full")
    })
  ),
  1_200_000
)
