/** How many requests each step takes, and that no file's content travels. */
import { describe, expect, test } from "bun:test"
import * as Effect from "effect/Effect"
import { makeHttpTransport } from "../../src/transport/HttpTransport.ts"
import { withGit } from "../support.ts"
import { makeWorld, pushOf } from "./world.ts"

describe("least round trips", () => {
  test(
    "one request each for head, trees and push; with a remembered view the push alone",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const transport = makeHttpTransport()
        const target = world.httpTarget()
        const head = yield* transport.readHead(target, null)
        expect(head).toEqual({ branch: world.branch, commit: world.first })
        const view = yield* transport.readCommit(target, { commit: world.first, paths: [".runtime-version"] })
        const pushed = yield* transport.pushFile(target, pushOf({ branch: head.branch, view }))
        expect(world.server.log.map((one) => `${one.method} ${one.path}`)).toEqual([
          "POST /target.git/git-upload-pack",
          "POST /target.git/git-upload-pack",
          "POST /target.git/git-receive-pack"
        ])
        world.server.log.length = 0
        const options = pushOf({ branch: head.branch, view: pushed.view, content: Buffer.from("3.0.0\n") })
        const again = yield* transport.pushFile(target, options)
        expect(world.server.log.map((one) => one.path)).toEqual(["/target.git/git-receive-pack"])
        expect(yield* world.bare.git("rev-parse", "trunk")).toBe(again.commit)
        yield* world.bare.git("fsck", "--strict", "--full")
        expect(yield* world.bare.git("show", "trunk:.runtime-version")).toBe("3.0.0")
        expect(yield* world.bare.git("diff", "--name-only", world.first, "trunk")).toBe(".runtime-version")
      })
    )
  )
})
