/** What goes wrong over HTTP, each as its own error, and whether the branch moved. */
import { describe, expect, test } from "bun:test"
import { inspect } from "node:util"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Git } from "../../src/Git.ts"
import type { GitHttpFaults } from "../../src/testing/GitHttpServer.ts"
import { makeGitHttpServer } from "../../src/testing/GitHttpServer.ts"
import type { CommitView } from "../../src/transport/CommitView.ts"
import { type HttpTransportOptions, makeHttpTransport } from "../../src/transport/HttpTransport.ts"
import { mayHaveMoved } from "../../src/transport/TransportError.ts"
import { withGit } from "../support.ts"
import { makeWorld, pushOf, type World } from "./world.ts"

const path = ".runtime-version"

/** A world whose head was read, and what reading and pushing give after the server's faults have been set. */
const inWorld = (
  body: (given: {
    readonly world: World
    readonly view: CommitView
    readonly readHead: (faults: Partial<GitHttpFaults>) => Effect.Effect<unknown, never>
    readonly push: (faults: Partial<GitHttpFaults>) => Effect.Effect<Outcome, never>
  }) => Effect.Effect<unknown, unknown, Git | Scope.Scope>,
  options: HttpTransportOptions = {}
) =>
  withGit(() =>
    Effect.gen(function* () {
      const world = yield* makeWorld()
      const transport = makeHttpTransport(options)
      const target = world.httpTarget()
      const view = yield* transport.readCommit(target, { commit: world.first, paths: [path] })
      const withFaults = <A, E>(faults: Partial<GitHttpFaults>, effect: Effect.Effect<A, E>) => {
        const before = { ...world.server.faults }
        Object.assign(world.server.faults, faults)
        return Effect.ensuring(
          effect,
          Effect.sync(() => Object.assign(world.server.faults, before))
        )
      }
      const push = Effect.fnUntraced(function* (faults: Partial<GitHttpFaults>) {
        yield* Effect.orDie(world.bare.git("update-ref", "refs/heads/trunk", world.first))
        const pushed = yield* Effect.either(
          withFaults(faults, transport.pushFile(target, pushOf({ branch: world.branch, view })))
        )
        const moved = (yield* Effect.orDie(world.bare.git("rev-parse", "trunk"))) !== world.first
        if (pushed._tag === "Right") return { tag: "pushed", unknown: false, moved, text: "" }
        const error = pushed.left
        const text = "said" in error ? error.said : "detail" in error ? error.detail : error.message
        return { tag: error._tag, unknown: mayHaveMoved(error), moved, text }
      })
      const readHead = (faults: Partial<GitHttpFaults>) =>
        withFaults(faults, transport.readHead(target, null)).pipe(
          Effect.flip,
          Effect.map((error) => error._tag),
          Effect.orElseSucceed(() => "read")
        )
      yield* body({ world, view, readHead, push })
    })
  )

interface Outcome {
  readonly tag: string
  /** Whether the error says that the branch may have moved. */
  readonly unknown: boolean
  readonly moved: boolean
  readonly text: string
}

const outcome = (tag: string, unknown = false, moved = false) => ({ tag, unknown, moved })

describe("statuses", () => {
  test(
    "say who is not let in, what is not there, and what broke; a push that broke is unknown",
    inWorld(({ readHead, push }) =>
      Effect.gen(function* () {
        const archived = "remote: This repository was archived so it is read-only."
        const cases: ReadonlyArray<readonly [number, string, string, boolean]> = [
          [401, "", "AuthenticationFailed", false],
          [403, "Resource protected by organization SAML enforcement", "AuthenticationFailed", false],
          [401, "User has two-factor authentication enabled: use a token", "AuthenticationFailed", false],
          [403, "Password login needs 2FA. Use a personal access token", "AuthenticationFailed", false],
          [403, archived, "RepositoryArchived", false],
          [
            403,
            "This repo is archived. You can view files and clone it, but cannot push",
            "RepositoryArchived",
            false
          ],
          [404, "", "RepositoryNotFound", false],
          [410, "", "RepositoryNotFound", false],
          [422, "", "HttpStatus", false],
          [429, "slow down", "HttpStatus", false],
          [500, "", "HttpStatus", true],
          [502, "<html><title>Bad gateway</title></html>", "HttpStatus", true],
          [204, "", "HttpStatus", false]
        ]
        for (const [status, statusText, tag, unknown] of cases) {
          expect(yield* readHead({ status, statusText })).toBe(tag)
          expect(yield* push({ status, statusText })).toMatchObject(outcome(tag, unknown))
        }
        expect((yield* push({ status: 502, statusText: "<title>Bad gateway</title>" })).text).toBe(
          "Bad gateway"
        )
      })
    )
  )
})

describe("connections", () => {
  test(
    "that break before, during and after a push leave its outcome unknown; reading fails without more",
    inWorld(({ readHead, push }) =>
      Effect.gen(function* () {
        expect(yield* readHead({ dropRequests: true })).toBe("Unreachable")
        for (const answerBytesMax of [0, 3, 30])
          expect(yield* readHead({ answerBytesMax })).toBe("Unreachable")
        expect(yield* push({ dropRequests: true })).toMatchObject(outcome("Unreachable", true, false))
        expect(yield* push({ dieAfterPush: true })).toMatchObject(outcome("Unreachable", true, true))
        for (const answerBytesMax of [1, 20])
          expect(yield* push({ answerBytesMax })).toMatchObject(outcome("Unreachable", true, true))
        for (const answerBytesCut of [0, 1, 20])
          expect(yield* push({ answerBytesCut })).toMatchObject(outcome("Unreachable", true, true))
      })
    )
  )

  test(
    "that are refused carried nothing; answers that come too late may have done it",
    inWorld(
      ({ world, view, readHead, push }) =>
        Effect.gen(function* () {
          expect(yield* readHead({ latencyMillis: 2_000 })).toBe("Unreachable")
          expect(yield* push({ latencyMillis: 2_000 })).toMatchObject({ tag: "Unreachable", unknown: true })
          const target = { url: "http://127.0.0.1:1/x.git", authorization: null }
          const pushing = makeHttpTransport().pushFile(target, pushOf({ branch: world.branch, view }))
          expect(mayHaveMoved(yield* Effect.flip(pushing))).toBe(false)
        }),
      { requestTimeMax: Duration.millis(700) }
    )
  )

  test(
    "are closed when the caller is interrupted",
    withGit(() =>
      Effect.gen(function* () {
        let aborted = 0
        const transport = makeHttpTransport({
          fetch: (_, { signal }) =>
            new Promise((_resolve, reject) => {
              signal?.addEventListener("abort", () => {
                aborted += 1
                reject(new Error("aborted"))
              })
            })
        })
        const target = { url: "http://localhost/x.git", authorization: null }
        yield* transport.readHead(target, null).pipe(Effect.timeoutOption("20 millis"))
        expect(aborted).toBe(1)
      })
    )
  )
})

describe("answers", () => {
  test(
    "that are not git's are told apart from git's; none of them counts as a push",
    inWorld(({ readHead, push }) =>
      Effect.gen(function* () {
        const page = "<!doctype html><title>Sign in &middot; Forge</title>"
        expect(yield* readHead({ page })).toBe("ProtocolBroken")
        const refused = yield* push({ page })
        expect(refused).toMatchObject(outcome("ProtocolBroken", true))
        expect(refused.text).toContain("Sign in")
        for (const answerBytesCut of [0, 2, 40]) expect(yield* readHead({ answerBytesCut })).not.toBe("read")
      })
    )
  )

  test(
    "are read up to a limit",
    withGit(() =>
      Effect.gen(function* () {
        const { first, httpTarget } = yield* makeWorld()
        const transport = makeHttpTransport({ answerBytesMax: 300 })
        const reading = transport.readCommit(httpTarget(), { commit: first, paths: ["a/b/version"] })
        expect((yield* Effect.flip(reading))._tag).toBe("AnswerTooLarge")
      })
    )
  )

  test(
    "whose pack is cut or changed are never taken for a tree",
    withGit(() =>
      Effect.gen(function* () {
        const { first, httpTarget, server } = yield* makeWorld()
        const transport = makeHttpTransport()
        const reading = transport.readCommit(httpTarget(), { commit: first, paths: [path] })
        yield* reading
        const whole = server.log.at(-1)?.answerBytes ?? 0
        for (let at = 0; at < whole; at += Math.ceil(whole / 12)) {
          server.faults.answerBytesCut = at
          expect(["ProtocolBroken", "Unreachable"]).toContain((yield* Effect.flip(reading))._tag)
        }
      })
    )
  )
})

describe("refusals", () => {
  test(
    "by protected branches, archives and hooks are told apart by the server's words",
    inWorld(({ push }) =>
      Effect.gen(function* () {
        const cases: ReadonlyArray<readonly [string, string]> = [
          ["error: GH006: Protected branch update failed for refs/heads/main.", "ProtectedBranch"],
          ["error: GH013: Repository rule violations found for refs/heads/main.", "ProtectedBranch"],
          ["Gitea: Not allowed to push to protected branch main", "ProtectedBranch"],
          [
            "GitLab: You are not allowed to push code to protected branches on this project.",
            "ProtectedBranch"
          ],
          ["ERROR: This repository was archived so it is read-only.", "RepositoryArchived"],
          ["LFS objects are missing. Ensure LFS is properly set up", "HookDeclined"],
          ["commit message must name a ticket", "HookDeclined"]
        ]
        for (const [declinePush, tag] of cases) {
          const refused = yield* push({ declinePush })
          expect(refused).toMatchObject(outcome(tag))
          if (tag !== "RepositoryArchived") expect(refused.text).toContain(declinePush)
        }
        const long = yield* push({ declinePush: "no ".repeat(20_000) })
        expect(long.tag).toBe("HookDeclined")
        expect(long.text.length).toBeLessThanOrEqual(2_000)
      })
    )
  )
})

describe("credentials", () => {
  const secret = "Bearer s3cr3t-t0ken"

  test(
    "are sent as they are, and stand in no error",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        world.server.faults.authorization = secret
        const transport = makeHttpTransport()
        expect((yield* transport.readHead(world.httpTarget("target.git", secret), null)).commit).toBe(
          world.first
        )
        const view = yield* transport.readCommit(world.httpTarget("target.git", secret), {
          commit: world.first,
          paths: [path]
        })
        for (const given of [null, `${secret}-wrong`]) {
          const target = world.httpTarget("target.git", given)
          for (const effect of [
            transport.readHead(target, null),
            transport.pushFile(target, pushOf({ branch: world.branch, view }))
          ]) {
            const error = yield* Effect.flip<unknown, { readonly _tag: string }, never>(effect)
            expect(error._tag).toBe("AuthenticationFailed")
            expect(`${inspect(error, { depth: 9 })}${JSON.stringify(error)}${inspect(target)}`).not.toContain(
              "s3cr3t"
            )
          }
        }
      })
    )
  )

  test(
    "do not follow a redirect to another origin; without any, redirects are followed",
    withGit(() =>
      Effect.gen(function* () {
        const world = yield* makeWorld()
        const away = yield* makeGitHttpServer({ root: "/nowhere" })
        away.faults.redirect = world.server.url
        const transport = makeHttpTransport()
        const open = { url: `${away.url}/target.git`, authorization: null }
        expect((yield* transport.readHead(open, null)).commit).toBe(world.first)
        const before = world.server.requests()
        const target = { ...open, authorization: world.httpTarget("", secret).authorization }
        expect((yield* Effect.flip(transport.readHead(target, null)))._tag).toBe("UnusableUrl")
        expect(world.server.requests()).toBe(before)
        away.faults.redirect = away.url
        expect((yield* Effect.flip(transport.readHead(target, null))).message).toContain("more than 5 times")
      })
    )
  )

  test("in an address are refused before anything is sent, and not repeated", async () => {
    const fetched: Array<string> = []
    const transport = makeHttpTransport({
      fetch: async (url) => {
        fetched.push(url)
        return new Response()
      }
    })
    for (const url of [
      "https://me:hunter2@host/x.git",
      "https://hunter2@host/x.git",
      "http://host/x.git?t=hunter2"
    ]) {
      const error = await Effect.runPromise(
        Effect.flip(transport.readHead({ url, authorization: null }, null))
      )
      expect(error._tag).toBe("UnusableUrl")
    }
    const error = await Effect.runPromise(
      Effect.flip(transport.readHead({ url: "https://me:hunter2@host/x.git", authorization: null }, null))
    )
    expect(inspect(error)).not.toContain("hunter2")
    expect(fetched).toEqual([])
  })
})
