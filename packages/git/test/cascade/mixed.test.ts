/**
 * Goal: with many targets some are always in a state of their own, and each gets its own outcome while the others go on.
 * Method: thirteen repositories behind a real server, each wrong in another way; then the same version again.
 */
import { expect } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import { summaryOf } from "../../src/cascade/CascadeReport.ts"
import { cascade, configFor, layerWorld, makeWorld, statuses } from "./world.ts"

const file = ".runtime-version"

it.live(
  "thirteen targets, each with its own fate; again, only those that failed are touched",
  () =>
    Effect.gen(function* () {
      const { downstream, server } = yield* makeWorld
      const add = (name: string) => downstream(name, { [file]: "1.0.0\n" })
      const plain = yield* add("plain")
      const current = yield* downstream("current", { [file]: "1.1.0\n" })
      const foreign = yield* downstream("foreign", { README: "no version file" })
      const empty = yield* downstream("empty", null)
      const pinned = yield* downstream("pinned", { [file]: "0.5.0\n" })
      const newer = yield* downstream("newer", { [file]: "1.2.0\n" })
      const racing = yield* add("racing")
      const hook = yield* add("hook")
      const ill = yield* add("ill")
      const archived = yield* add("archived")
      const old = yield* add("old")
      const locked = yield* add("locked")
      yield* cascade({ config: configFor([pinned.url]), version: "0.9.0" })
      yield* pinned.person("hold back", { [file]: "0.8.0\n" })
      let raced = false
      const wrong = server.faultsOf
      wrong.set("racing.git", {
        beforePush: async () => {
          if (raced) return
          raced = true
          await Effect.runPromise(racing.person("faster", { "a.ts": "b" }))
        }
      })
      wrong.set("hook.git", { declinePush: "ask the release team first" })
      wrong.set("ill.git", { status: 503 })
      wrong.set("archived.git", {
        status: 403,
        statusText: "Repository is archived and cannot be written to"
      })
      wrong.set("old.git", { oldProtocol: true })
      wrong.set("locked.git", { authorization: "token secret" })
      const all = [plain, current, foreign, empty, pinned, newer, racing, hook, ill, archived, old, locked]
      const urls = [...all.map(({ url }) => url), "http://127.0.0.1:9/dead.git"]
      const config = configFor(urls, "attempts = 2")
      const first = yield* cascade({ config, version: "1.1.0" })
      expect(statuses(first)).toEqual({
        plain: "written",
        current: "up-to-date",
        foreign: "not-active",
        empty: "not-active",
        pinned: "pinned",
        newer: "newer",
        racing: "written",
        hook: "failed",
        ill: "failed",
        archived: "failed",
        old: "written",
        locked: "failed",
        dead: "failed"
      })
      expect(first.status).toBe("failed")
      const failed = first.outcomes.filter(({ status }) => status === "failed")
      expect(failed.every(({ next, reason }) => next !== "" && reason !== "")).toBe(true)
      expect(failed.map(({ code }) => code)).toEqual([
        "HookDeclined",
        "HttpStatus",
        expect.any(String),
        "AuthenticationFailed",
        "Unreachable"
      ])
      expect(failed[0]?.reason).toContain("ask the release team first")
      expect(first.outcomes.map(({ target }) => target.url)).toEqual(urls)
      expect(yield* racing.subjects()).toEqual([expect.stringContaining("chore: pin"), "faster", "begin"])
      expect(yield* old.read(file)).toBe("1.1.0")

      wrong.clear()
      wrong.set("old.git", { oldProtocol: true })
      const before = server.log.length
      const again = yield* cascade({ config, version: "1.1.0" })
      expect(summaryOf(again.outcomes)).toBe(
        "4 written, 4 up-to-date, 1 newer, 1 pinned, 2 not-active, 1 failed"
      )
      const pushed = server.log.slice(before).filter(({ service }) => service === "git-receive-pack")
      expect(new Set(pushed.map(({ repository }) => repository))).toEqual(
        new Set(["hook.git", "ill.git", "archived.git", "locked.git"])
      )
    }).pipe(Effect.provide(layerWorld)),
  60_000
)
