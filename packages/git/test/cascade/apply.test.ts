import { describe, expect } from "bun:test"
import type { TargetTry } from "@patchmoi/core/cascade/CascadeFact"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { planToJson } from "../../src/cascade/CascadePlan.ts"
import * as HeadMemory from "../../src/cascade/HeadMemory.ts"
import { planCascade } from "../../src/cascade/plan.ts"
import { cascade, configFor, layerWorld, makeWorld, statuses, version } from "./world.ts"

const file = ".runtime-version"
const fast = "timeout_ms = 20000\nattempts = 3\n"

describe("one target", () => {
  it.live("gets one commit with the version, the message, the author and the trailer; again, nothing", () =>
    Effect.gen(function* () {
      const { downstream, server } = yield* makeWorld
      const web = yield* downstream("web", { [file]: "1.0.0\n", "src/a.ts": "a" }, "trunk")
      const config = configFor([web.url], fast)
      const report = yield* cascade({ config, version: "1.1.0" })
      expect(report).toMatchObject({
        status: "completed",
        outcomes: [{ status: "written", current: "1.0.0" }]
      })
      expect(yield* web.read(file)).toBe("1.1.0")
      expect(yield* web.git("cat-file", "-s", `trunk:${file}`)).toBe("6")
      expect(yield* web.git("log", "-1", "--format=%B%an <%ae>", "trunk")).toBe(
        "chore: pin runtime to 1.1.0 (runtime cascade)\n\nPatchmoi-Cascade: runtime\npatchmoi <patchmoi@localhost>"
      )
      expect(yield* web.git("diff", "--name-only", "trunk~1", "trunk")).toBe(file)
      expect(yield* web.git("fsck", "--strict")).toBe("")
      const before = server.log.length
      const again = yield* cascade({ config, version: "1.1.0" })
      expect(statuses(again)).toEqual({ web: "up-to-date" })
      expect(yield* web.subjects()).toHaveLength(2)
      expect(server.log.slice(before).some(({ service }) => service === "git-receive-pack")).toBe(false)
    }).pipe(Effect.provide(layerWorld))
  )

  it.live("a value that a person set after our write is respected; what was there before was not a pin", () =>
    Effect.gen(function* () {
      const { downstream } = yield* makeWorld
      const web = yield* downstream("web", { [file]: "0.9.0\n" })
      const config = configFor([web.url], fast)
      expect(statuses(yield* cascade({ config, version: "1.0.0" }))).toEqual({ web: "written" })
      yield* web.person("hold back", { [file]: "0.9.5\n" })
      // Nothing but the history of the file knows of the write before.
      const held = yield* cascade({ config, version: "1.1.0" })
      expect(held).toMatchObject({
        status: "needs_person",
        outcomes: [{ status: "pinned", reason: expect.stringContaining("0.9.5 was set there by Ada Author") }]
      })
      expect(yield* web.read(file)).toBe("0.9.5")
      expect(statuses(yield* cascade({ config, version: "1.1.0", overridePins: true }))).toEqual({
        web: "written"
      })
      expect(yield* web.read(file)).toBe("1.1.0")
      // And our own write is no pin.
      expect(statuses(yield* cascade({ config, version: "1.2.0" }))).toEqual({ web: "written" })
    }).pipe(Effect.provide(layerWorld))
  )

  it.live("a newer version is left alone, and going back is done when it is asked for", () =>
    Effect.gen(function* () {
      const { downstream } = yield* makeWorld
      const web = yield* downstream("web", { [file]: "2.0.0\n" })
      const config = configFor([web.url], fast)
      const left = yield* cascade({ config, version: "1.9.0" })
      expect(left).toMatchObject({ status: "completed", outcomes: [{ status: "newer", tries: [] }] })
      const back = yield* cascade({ config, version: "1.9.0", allowDowngrade: true })
      expect(back).toMatchObject({
        outcomes: [{ intent: "downgrade", status: "written", reason: "goes back from 2.0.0" }]
      })
      expect(yield* web.read(file)).toBe("1.9.0")
    }).pipe(Effect.provide(layerWorld))
  )

  it.live("what is no version file is not written over", () =>
    Effect.gen(function* () {
      const { downstream } = yield* makeWorld
      const lfs = yield* downstream("lfs", {
        [file]: "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 6\n"
      })
      const prose = yield* downstream("prose", { [file]: "# Runtime\n\nText.\n" })
      const link = yield* downstream("link", { [file]: { symlink: "other" }, other: "1.0.0\n" })
      const crlf = yield* downstream("crlf", { [file]: "1.1.0\r\n" })
      const blank = yield* downstream("blank", { [file]: "\n" })
      const config = configFor(
        [lfs, prose, link, crlf, blank].map(({ url }) => url),
        fast
      )
      const report = yield* cascade({ config, version: "1.1.0" })
      expect(statuses(report)).toEqual({
        lfs: "failed",
        prose: "failed",
        link: "failed",
        crlf: "up-to-date",
        blank: "written"
      })
      expect(report.outcomes.map(({ code }) => code)).toEqual([
        "LfsPointer",
        "NotAVersionFile",
        "NotAFile",
        null,
        null
      ])
      expect(report.outcomes[0]?.next).toContain("out of Git LFS")
      expect(yield* prose.subjects()).toEqual(["begin"])
    }).pipe(Effect.provide(layerWorld))
  )

  it.live("a remembered head makes a write one request, and a stale one costs no more than asking", () =>
    Effect.gen(function* () {
      const { downstream, server } = yield* makeWorld
      const web = yield* downstream("web", { [file]: "1.0.0\n" })
      const config = configFor([web.url], fast)
      const pinned = {
        ...config,
        targets: config.targets.map((target) => ({ ...target, branch: "refs/heads/main" as never }))
      }
      const warm = (to: string) => cascade({ config: pinned, version: to, trustMemory: true })
      yield* warm("1.1.0")
      const before = server.log.length
      expect(statuses(yield* warm("1.2.0"))).toEqual({ web: "written" })
      expect(server.log.slice(before).map(({ service }) => service)).toEqual(["git-receive-pack"])
      yield* web.person("work", { "src/a.ts": "b" })
      const raced = yield* warm("1.3.0")
      expect(raced.outcomes[0]?.tries.map(({ outcome }) => outcome)).toEqual(["raced", "written"])
      yield* web.person("hold", { [file]: "1.0.5\n" })
      expect(statuses(yield* warm("1.4.0"))).toEqual({ web: "pinned" })
      expect(yield* web.subjects()).toHaveLength(6)
    }).pipe(Effect.provide(Layer.provideMerge(HeadMemory.layerMemory, layerWorld)))
  )

  it.live("a plan tells all of it and writes nothing", () =>
    Effect.gen(function* () {
      const { downstream } = yield* makeWorld
      const web = yield* downstream("web", { [file]: "1.0.0\n" })
      const plan = yield* planCascade({ config: configFor([web.url]), version: version("1.1.0") })
      expect(planToJson(plan)).toMatchObject({
        name: "runtime",
        version: "1.1.0",
        targets: [
          { intent: "write", how: "push", branch: "refs/heads/main", current: "1.0.0", reason: "from 1.0.0" }
        ]
      })
      expect(yield* web.subjects()).toEqual(["begin"])
    }).pipe(Effect.provide(layerWorld))
  )
})

describe("races", () => {
  const races = (
    name: string,
    meanwhile: Record<string, string>,
    expected: ReadonlyArray<TargetTry["outcome"]>,
    content: string
  ) =>
    it.live(name, () =>
      Effect.gen(function* () {
        const { downstream, server } = yield* makeWorld
        const web = yield* downstream("web", { [file]: "1.0.0\n" })
        let raced = false
        server.faultsOf.set("web.git", {
          beforePush: async () => {
            if (raced) return
            raced = true
            await Effect.runPromise(web.person("faster", meanwhile))
          }
        })
        const seen: Array<string> = []
        const report = yield* cascade(
          { config: configFor([web.url], fast), version: "1.1.0" },
          { onTry: ({ outcome }) => Effect.sync(() => void seen.push(outcome)) }
        )
        expect(seen as ReadonlyArray<string>).toEqual(expected)
        expect(report.outcomes[0]?.status as string | undefined).toBe(expected.at(-1))
        expect(yield* web.read(file)).toBe(content)
        expect(yield* web.subjects()).toContain("faster")
      }).pipe(Effect.provide(layerWorld))
    )

  races(
    "whoever changed something else keeps it, and the version goes on top",
    { "a.ts": "b" },
    ["raced", "written"],
    "1.1.0"
  )
  races("the version may be there already", { [file]: "1.1.0\n" }, ["raced", "up-to-date"], "1.1.0")
  races("or a newer one", { [file]: "1.2.0\n" }, ["raced", "newer"], "1.2.0")
  races("or a person's own", { [file]: "0.9.0\n" }, ["raced", "pinned"], "0.9.0")

  it.live("somebody who is always faster is never written over, and the target is told as failed", () =>
    Effect.gen(function* () {
      const { downstream, server } = yield* makeWorld
      const web = yield* downstream("web", { [file]: "1.0.0\n" })
      let count = 0
      server.faultsOf.set("web.git", {
        beforePush: () => Effect.runPromise(web.person(`faster ${++count}`, { "a.ts": String(count) }))
      })
      const report = yield* cascade({ config: configFor([web.url], fast), version: "1.1.0" })
      expect(report).toMatchObject({
        status: "failed",
        outcomes: [
          { status: "failed", code: "StaleHead", next: expect.stringContaining("same command again") }
        ]
      })
      expect(report.outcomes[0]?.tries.map(({ outcome }) => outcome)).toEqual(["raced", "raced", "raced"])
      expect(yield* web.subjects()).toEqual(["faster 3", "faster 2", "faster 1", "begin"])
    }).pipe(Effect.provide(layerWorld))
  )

  it.live("a push whose answer was lost is not done twice", () =>
    Effect.gen(function* () {
      const { downstream, server } = yield* makeWorld
      const web = yield* downstream("web", { [file]: "1.0.0\n" })
      server.faultsOf.set("web.git", { dieAfterPush: true })
      const report = yield* cascade({ config: configFor([web.url], fast), version: "1.1.0" })
      expect(report.outcomes[0]).toMatchObject({
        status: "written",
        commit: yield* web.git("rev-parse", "main"),
        tries: [{ outcome: "failed", code: "Unreachable" }, { outcome: "written" }]
      })
      expect(yield* web.subjects()).toHaveLength(2)
    }).pipe(Effect.provide(layerWorld))
  )
})
