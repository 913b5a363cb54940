/**
 * Dispatches against a server that we wrote from the forges' documentation: where they are asked, what they are sent, and
 * what their refusals become. Not run against a live forge.
 */
import { describe, expect, test } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { applyCascade } from "../../src/cascade/apply.ts"
import type { CascadeConfig } from "../../src/cascade/CascadeConfig.ts"
import { readCredentials } from "../../src/cascade/Credentials.ts"
import { layerForgeApi } from "../../src/cascade/ForgeApi.ts"
import { apiBaseOf, payloadProblem } from "../../src/cascade/internal/forgeFormats.ts"
import { planCascade } from "../../src/cascade/plan.ts"
import { cascade, configFor, layerWorld, makeWorld, version } from "./world.ts"

const file = ".runtime-version"

interface Asked {
  readonly method: string
  readonly path: string
  readonly authorization: string | null
  readonly body: unknown
}

/** A forge: its API by a function, and its repositories behind the same address. */
const makeForge = (git: string, answer: (asked: Asked) => Response) => {
  const asked: Array<Asked> = []
  let isAway = false
  const goAway = () => {
    isAway = true
    return () => {
      isAway = false
    }
  }
  return Effect.map(
    Effect.acquireRelease(
      Effect.sync(() =>
        Bun.serve({
          hostname: "127.0.0.1",
          port: 0,
          fetch: async (request) => {
            if (isAway) return new Response("", { status: 503 })
            const url = new URL(request.url)
            if (!url.pathname.startsWith("/api/")) {
              return fetch(`${git}${url.pathname}${url.search}`, {
                method: request.method,
                headers: request.headers,
                ...(request.method === "POST" ? { body: await request.arrayBuffer() } : {})
              })
            }
            const text = await request.text()
            const one = {
              method: request.method,
              path: url.pathname,
              authorization: request.headers.get("authorization"),
              body: text === "" ? null : JSON.parse(text)
            }
            asked.push(one)
            return answer(one)
          }
        })
      ),
      (server) => Effect.promise(() => server.stop(true))
    ),
    (server) => ({ url: `http://127.0.0.1:${server.port}`, asked, goAway })
  )
}

const tokens = ConfigProvider.fromMap(new Map([["DISPATCH_TOKEN", "t0ken"]]))
const layer = Layer.provideMerge(layerForgeApi(), layerWorld)
const noContent = () => new Response(null, { status: 204 })

const inForge = (
  target: (url: string) => string,
  answer: (asked: Asked) => Response,
  look: (given: {
    readonly asked: ReadonlyArray<Asked>
    readonly run: (
      written?: ReadonlyMap<string, { version: string; how: "dispatch" }>
    ) => ReturnType<typeof cascade>
    readonly id: string
    readonly config: CascadeConfig
    /** Every question is answered with 503 until the given function is called. */
    readonly goAway: () => () => void
    readonly content: Effect.Effect<string | null>
  }) => Effect.Effect<void, never, Effect.Effect.Context<ReturnType<typeof cascade>>>
) =>
  Effect.gen(function* () {
    const { downstream, server } = yield* makeWorld
    const web = yield* downstream("acme/web", { [file]: "1.0.0\n" })
    const forge = yield* makeForge(server.url, answer)
    const base = configFor([`${forge.url}/acme/web.git`], "attempts = 2")
    const [first] = base.targets
    if (first === undefined) return
    const config = { ...base, targets: [{ ...first, ...JSON.parse(target(forge.url)) }] }
    yield* look({
      asked: forge.asked,
      config,
      goAway: forge.goAway,
      id: first.id,
      content: web.read(file),
      run: (written) => cascade({ config, version: "1.1.0", ...(written === undefined ? {} : { written }) })
    })
  }).pipe(Effect.withConfigProvider(tokens), Effect.provide(layer))

describe("a dispatch", () => {
  it.live(
    "on GitHub is a repository dispatch with the payload; the record knows of it, the target does not",
    () =>
      inForge(
        () => '{"forge":"github","mode":"dispatch"}',
        noContent,
        ({ asked, content, id, run }) =>
          Effect.gen(function* () {
            expect((yield* run()).outcomes).toMatchObject([{ status: "dispatched", how: "dispatch" }])
            expect(asked).toEqual([
              {
                method: "POST",
                path: "/api/v3/repos/acme/web/dispatches",
                authorization: "Bearer t0ken",
                body: { event_type: "runtime", client_payload: { version: "1.1.0", cascade: "runtime" } }
              }
            ])
            expect(yield* content).toBe("1.0.0")
            const again = yield* run(new Map([[id, { version: "1.1.0", how: "dispatch" }]]))
            expect(again.outcomes).toMatchObject([{ status: "up-to-date" }])
            expect(asked).toHaveLength(1)
          })
      )
  )

  it.live("on a Forgejo that was seen to offer it starts the workflow", () =>
    inForge(
      () => '{"forge":"forgejo","mode":"auto","workflow":"runtime.yml"}',
      ({ path }) =>
        path === "/api/forgejo/v1/version" ? Response.json({ version: "8.0.3+gitea-1.22.0" }) : noContent(),
      ({ asked, run }) =>
        Effect.gen(function* () {
          expect((yield* run()).outcomes).toMatchObject([{ status: "dispatched" }])
          expect(asked.at(-1)).toEqual({
            method: "POST",
            path: "/api/v1/repos/acme/web/actions/workflows/runtime.yml/dispatches",
            authorization: "token t0ken",
            body: { ref: "main", inputs: { version: "1.1.0", cascade: "runtime" } }
          })
        })
    )
  )

  const pushed = (name: string, answer: (asked: Asked) => Response) =>
    it.live(`auto pushes ${name}`, () =>
      inForge(
        () => '{"forge":"gitea","mode":"auto","workflow":"runtime.yml"}',
        answer,
        ({ asked, content, run }) =>
          Effect.gen(function* () {
            expect((yield* run()).outcomes).toMatchObject([{ status: "written", how: "push" }])
            expect(yield* content).toBe("1.1.0")
            expect(asked.every(({ method }) => method === "GET")).toBe(true)
          })
      )
    )
  pushed("to a Gitea of 1.22", () => Response.json({ message: "not found" }, { status: 404 }))
  pushed("to a Forgejo of 7", () => Response.json({ version: "7.0.5+gitea-1.21.11" }))
  pushed("where the answer is no version", () => new Response("<html>"))

  it.live("that is refused says what the forge said, and is not tried again", () =>
    inForge(
      () => '{"forge":"forgejo","mode":"dispatch","workflow":"runtime.yml"}',
      () => Response.json({ message: "workflow has no workflow_dispatch" }, { status: 422 }),
      ({ asked, run }) =>
        Effect.gen(function* () {
          expect((yield* run()).outcomes).toMatchObject([
            {
              status: "failed",
              code: "DispatchRefused",
              reason: expect.stringContaining("no workflow_dispatch")
            }
          ])
          expect(asked).toHaveLength(1)
        })
    )
  )

  it.live("that meets a limit is tried again", () =>
    inForge(
      () => '{"forge":"github","mode":"dispatch"}',
      () => Response.json({ message: "API rate limit exceeded" }, { status: 403 }),
      ({ asked, run }) =>
        Effect.gen(function* () {
          expect((yield* run()).outcomes).toMatchObject([{ status: "failed", code: "HttpStatus" }])
          expect(asked).toHaveLength(2)
        })
    )
  )

  it.live("that the forge breaks down over is tried as often as is configured, and not once more", () =>
    inForge(
      () => '{"forge":"github","mode":"dispatch"}',
      () => new Response("", { status: 502 }),
      ({ asked, run }) =>
        Effect.gen(function* () {
          expect((yield* run()).outcomes).toMatchObject([{ status: "failed", code: "HttpStatus" }])
          expect(asked).toHaveLength(2)
        })
    )
  )

  const neverCommits = (mode: string) =>
    it.live(`is what a target of mode ${mode} gets that could not be read at first, and never a commit`, () =>
      inForge(
        () => `{"forge":"forgejo","mode":"${mode}","workflow":"runtime.yml"}`,
        ({ method }) => (method === "GET" ? Response.json({ version: "8.0.3" }) : noContent()),
        ({ asked, config, content, goAway, id }) =>
          Effect.gen(function* () {
            const dispatches = () => asked.filter(({ method }) => method === "POST").length
            const comeBack = goAway()
            const plan = yield* planCascade({ config, version: version("1.1.0") })
            expect(plan.entries).toMatchObject([{ intent: "unreachable" }])
            comeBack()
            expect((yield* applyCascade(plan)).outcomes).toMatchObject([
              { status: "dispatched", how: "dispatch" }
            ])
            expect(dispatches()).toBe(1)
            const written = new Map([[id, { version: "1.1.0", how: "dispatch" as const }]])
            expect((yield* applyCascade({ ...plan, written })).outcomes).toMatchObject([
              { status: "up-to-date" }
            ])
            expect(dispatches()).toBe(1)
            expect(yield* content).toBe("1.0.0")
          })
      )
    )
  neverCommits("dispatch")
  neverCommits("auto")

  test("keeps within GitHub's bounds, and goes to the API of its forge", () => {
    const keys = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, "v"]))
    expect(payloadProblem(keys(10))).toBeNull()
    expect(payloadProblem(keys(11))).toContain("at most 10 keys")
    expect(payloadProblem({ a: "x".repeat(64 * 1024) })).toContain("bytes")
    const base = (forge: "github" | "gitea" | "git", url: string) => apiBaseOf({ forge, url })
    expect(base("github", "https://github.com/a/b")).toBe("https://api.github.com")
    expect(base("github", "https://acme.ghe.com/a/b")).toBe("https://api.acme.ghe.com")
    expect(base("github", "https://git.example/a/b")).toBe("https://git.example/api/v3")
    expect(base("gitea", "https://git.example/a/b")).toBe("https://git.example/api/v1")
    expect(base("git", "https://git.example/a/b")).toBeNull()
  })
})

describe("a credential", () => {
  const read = (
    forge: "github" | "gitea" | "forgejo" | "git",
    url: string,
    token = "t0ken",
    giteaUrl: string | null = null
  ) =>
    Effect.runSync(
      readCredentials({ forge, url, tokenEnv: "DISPATCH_TOKEN" }, giteaUrl).pipe(
        Effect.withConfigProvider(ConfigProvider.fromMap(new Map([["DISPATCH_TOKEN", token]]))),
        Effect.map(({ api, git }) => [git, api].map((header) => header && Redacted.value(header)))
      )
    )
  const basic = (user: string) => `Basic ${Buffer.from(`${user}:t0ken`).toString("base64")}`

  test("has the form that its forge takes", () => {
    expect(read("gitea", "https://git.example/a/b")).toEqual(["token t0ken", "token t0ken"])
    expect(read("github", "https://github.com/a/b")).toEqual([basic("x-access-token"), "Bearer t0ken"])
    expect(read("git", "https://git.example/a/b")[0]).toBe(basic("git"))
  })

  test("is not sent over plain http to a stranger, over ssh, or with a line break in it", () => {
    expect(read("gitea", "http://git.example/a/b")).toEqual([null, null])
    expect(read("gitea", "http://git.example/a/b", "t0ken", "http://git.example")[0]).toBe("token t0ken")
    expect(read("gitea", "http://127.0.0.1:3000/a/b")[0]).toBe("token t0ken")
    expect(read("gitea", "http://127.git.example/a/b")).toEqual([null, null])
    expect(read("git", "git@git.example:a/b")).toEqual([null, null])
    expect(read("gitea", "https://git.example/a/b", "a\nhost: b")).toEqual([null, null])
    expect(read("gitea", "https://git.example/a/b", " ")).toEqual([null, null])
  })
})
