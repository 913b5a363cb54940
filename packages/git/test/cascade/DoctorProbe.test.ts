import { expect } from "bun:test"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { DoctorProbe, layerDoctorProbe } from "../../src/cascade/DoctorProbe.ts"
import { makeTempDirectory } from "../../src/testing/TempRepo.ts"

const asking = (answer: () => Response) => {
  const seen: Array<{ readonly url: string; readonly authorization: string | null }> = []
  const layer = layerDoctorProbe({
    fetch: async (url, init) => {
      seen.push({ url, authorization: new Headers(init.headers).get("authorization") })
      return answer()
    }
  })
  return Effect.gen(function* () {
    const probe = yield* DoctorProbe
    const remote = { url: "https://git.example/a/b.git", authorization: Redacted.make("token t") }
    return { said: yield* probe.isWritable(remote), seen }
  }).pipe(Effect.provide(layer))
}

it.live("a server that offers pushes to these credentials is writable; nothing is sent to it", () =>
  Effect.gen(function* () {
    const headers = { "content-type": "application/x-git-receive-pack-advertisement" }
    const { said, seen } = yield* asking(() => new Response("001f# service", { headers }))
    expect(said).toBe(true)
    expect(seen).toEqual([
      { url: "https://git.example/a/b.git/info/refs?service=git-receive-pack", authorization: "token t" }
    ])
  })
)

it.live("one that refuses them, or answers with a page, is not", () =>
  Effect.gen(function* () {
    expect((yield* asking(() => new Response("no", { status: 403 }))).said).toContain("status 403")
    expect((yield* asking(() => new Response("<html>", { status: 200 }))).said).toContain(
      "does not offer pushes"
    )
    const broken = yield* asking(() => {
      throw new Error("refused")
    })
    expect(broken.said).toBe("refused")
  })
)

it.live("a folder is writable when it is there; what ssh allows is not known", () =>
  Effect.gen(function* () {
    const probe = yield* DoctorProbe
    const directory = yield* makeTempDirectory
    const look = (url: string) => probe.isWritable({ url, authorization: null })
    expect(yield* look(`file://${directory}`)).toBe(true)
    expect(yield* look(`file://${directory}/none`)).toContain("cannot be written")
    expect(yield* look("git@git.example:a/b")).toBeNull()
  }).pipe(Effect.provide(layerDoctorProbe()))
)
