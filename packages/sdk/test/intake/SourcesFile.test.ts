import { describe, expect, test } from "bun:test"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { it } from "@patchmoi/core/testing/effectTest"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { decodeSourcesFile, readSourcesFile, type SourcesFileOptions } from "../../src/intake/SourcesFile.ts"
import { makeSource, npmRepo, plainSource } from "./fixtures.ts"

const decode = (sources: ReadonlyArray<unknown>, options: SourcesFileOptions = {}) =>
  Either.getOrThrow(decodeSourcesFile(JSON.stringify({ sources }), options))

const problemsOf = (source: unknown, options: SourcesFileOptions = {}) =>
  decode([source], options).broken[0]?.problems

const { target: _target, ...withoutTarget } = plainSource

describe("a sources file", () => {
  test("gives each source with its defaults", () => {
    const { broken, sources, warnings } = decode([plainSource, { ...withoutTarget, id: "second" }])
    expect(broken).toEqual([])
    expect(warnings).toEqual([])
    expect(
      sources.map((source) => [String(source.id), source.pollIntervalSeconds, source.primeOnly])
    ).toEqual([
      ["acme-releases", 300, true],
      ["second", 300, true]
    ])
    expect<unknown>(sources[0]?.target).toEqual(plainSource.target)
  })

  test("goes on after a broken source and names every wrong field by its path", () => {
    const wrong = {
      ...plainSource,
      id: "bad",
      event: "tag",
      repo: { ...plainSource.repo, fullName: 7 },
      primeOnly: "no"
    }
    const { broken, sources } = decode([plainSource, "nonsense", wrong, { ...plainSource, id: "last" }])
    expect(sources.map((source) => String(source.id))).toEqual(["acme-releases", "last"])
    expect(broken.map((one) => one.index)).toEqual([1, 2])
    expect(broken[0]?.problems).toEqual([{ path: "sources[1]", expected: "an object", found: '"nonsense"' }])
    expect(broken[1]?.problems).toEqual([
      { path: "sources[2].event", expected: '"push" or "release"', found: '"tag"' },
      { path: "sources[2].repo.fullName", expected: "a string that is not blank", found: "7" },
      { path: "sources[2].primeOnly", expected: "true or false", found: '"no"' }
    ])
    expect(broken[1]?.message).toContain(
      "sources[2].repo.fullName: expected a string that is not blank, found 7"
    )
  })

  test("names what is missing", () => {
    expect(problemsOf({ id: "x" })?.map((problem) => `${problem.path} ${problem.found}`)).toEqual([
      "sources[0].provider nothing",
      "sources[0].url nothing",
      "sources[0].event nothing",
      "sources[0].repo nothing"
    ])
    expect(problemsOf({ ...plainSource, id: " " })?.[0]?.expected).toContain("an id: 1 to 512 characters")
  })

  test("refuses the second of two sources with one id", () => {
    const { broken, sources } = decode([plainSource, plainSource])
    expect(sources.length).toBe(1)
    expect(broken[0]?.problems).toEqual([
      { path: "sources[1].id", expected: "an id that no other source has", found: "the id of sources[0]" }
    ])
  })

  test("warns of unknown keys at every level, with the nearest known one", () => {
    const { sources, warnings } = decode([
      {
        ...plainSource,
        pollIntervalSecond: 60,
        comment: "mine",
        repo: { ...plainSource.repo, defaultbranch: "main" },
        target: { ...plainSource.target, evenType: "x" }
      }
    ])
    expect(sources.length).toBe(1)
    expect(warnings).toEqual([
      {
        path: "sources[0].pollIntervalSecond",
        message: 'unknown key "pollIntervalSecond" is ignored; did you mean "pollIntervalSeconds"?'
      },
      { path: "sources[0].comment", message: 'unknown key "comment" is ignored' },
      {
        path: "sources[0].repo.defaultbranch",
        message: 'unknown key "defaultbranch" is ignored; did you mean "defaultBranch"?'
      },
      {
        path: "sources[0].target.evenType",
        message: 'unknown key "evenType" is ignored; did you mean "eventType"?'
      }
    ])
  })

  test("knows which providers it has, which come later, and which events they have", () => {
    expect(problemsOf({ ...plainSource, provider: "sourcehut" })?.[0]).toEqual({
      path: "sources[0].provider",
      expected: "github or npm",
      found: '"sourcehut"'
    })
    for (const provider of ["codeberg", "jojo", "gitea", "forgejo"]) {
      expect(problemsOf({ ...plainSource, provider })?.[0]?.found).toBe(
        `"${provider}", which is known but not in this version`
      )
    }
    expect(problemsOf({ ...plainSource, provider: "npm", event: "push" })?.[0]?.path).toBe("sources[0].event")
  })

  test("takes http and https addresses only", () => {
    for (const url of ["ftp://forge.example/x", "/releases.atom", "releases.atom", "", 5]) {
      expect(problemsOf({ ...plainSource, url })).toEqual([
        {
          path: "sources[0].url",
          expected: "an http:// or https:// URL",
          found: url === 5 ? "5" : url === "" ? "an empty string" : JSON.stringify(url)
        }
      ])
    }
  })

  test("raises a short poll interval with a warning and refuses one that is no time", () => {
    const { sources, warnings } = decode([{ ...plainSource, pollIntervalSeconds: 5 }])
    expect(sources[0]?.pollIntervalSeconds).toBe(30)
    expect(warnings[0]?.path).toBe("sources[0].pollIntervalSeconds")
    expect(decode([{ ...plainSource, pollIntervalSeconds: 30 }]).warnings).toEqual([])
    for (const pollIntervalSeconds of [0, -1, 604_801, 45.5, "60"]) {
      expect(problemsOf({ ...plainSource, pollIntervalSeconds })?.[0]?.path).toBe(
        "sources[0].pollIntervalSeconds"
      )
    }
  })

  test("finds the document of an npm source by the registry that it is given", () => {
    const { url: _url, ...npm } = { ...plainSource, provider: "npm", repo: npmRepo }
    expect(problemsOf(npm)?.[0]?.path).toBe("sources[0].url")
    const { sources } = decode([npm], { npmRegistryUrl: "https://registry.example/" })
    expect(sources[0]?.url).toBe("https://registry.example/@acme%2Fwidget")
  })

  test("decodes every kind of target and refuses the rest", () => {
    const fork = { mode: "fork_sync", provider: "github", repoFullName: "us/tool", branch: "main" }
    const full = {
      mode: "flow_dispatch",
      eventType: "downstream.release",
      workspaceUrl: "wss://backend.example/ws",
      workspaceUrlEnv: "OUR_URL",
      workspaceSecretEnv: "OUR_SECRET",
      dispatchUrl: "http://127.0.0.1:3586/events",
      dispatchUrlEnv: "OUR_DISPATCH_URL",
      dispatchSecretEnv: "OUR_DISPATCH_SECRET",
      payload: { team: "core" }
    }
    for (const target of [fork, { ...fork, mode: "notify_only" }, full]) {
      expect<unknown>(makeSource({ target }).target).toEqual(target)
    }
    expect(problemsOf({ ...plainSource, target: { mode: "fork_synk" } })).toEqual([
      {
        path: "sources[0].target",
        expected: "an object whose mode is notify_only, fork_sync, workspace_flow, flow_dispatch",
        found: 'mode "fork_synk"'
      }
    ])
    expect(problemsOf({ ...plainSource, target: "notify_only" })?.[0]?.found).toBe('"notify_only"')
    const lacking = problemsOf({
      ...plainSource,
      target: { mode: "fork_sync", provider: "github", branch: "" }
    })
    expect(lacking?.map((problem) => problem.path)).toEqual([
      "sources[0].target.repoFullName",
      "sources[0].target.branch"
    ])
    expect(problemsOf({ ...plainSource, target: { ...full, payload: [] } })?.[0]?.path).toBe(
      "sources[0].target.payload"
    )
  })

  test("keeps credentials out of every message", () => {
    const secret = "hunter2/x@y"
    const hidden = [
      { ...plainSource, url: `ftp://mira:${secret}@forge.example/x` },
      { ...plainSource, url: `ftp://mira:${"p".repeat(5000)}${secret}@forge.example/x` },
      { ...plainSource, url: `mira:${secret}@forge.example` },
      { ...plainSource, url: `forge.example//mira:${secret}@` },
      { ...plainSource, url: `ftp://forge.example/x?token=${secret}` },
      {
        ...plainSource,
        repo: { ...plainSource.repo, webUrl: `https://mira:${encodeURIComponent(secret)}@forge.example/` }
      },
      { ...plainSource, target: { ...plainSource.target, workspaceSecretEnv: `${secret} in clear` } }
    ]
    for (const source of hidden) {
      const { broken } = decode([source])
      expect(broken.length).toBe(1)
      expect(broken[0]?.message).not.toContain("hunter2")
    }
    expect(makeSource({ url: "https://mira:hunter2@forge.example/x.atom" }).url).toContain("hunter2")
  })
})

describe("a file that is none", () => {
  const reasonOf = (text: string) => {
    const decoded = decodeSourcesFile(text, { file: "conf/feed-sources.json" })
    return Either.isLeft(decoded) ? decoded.left.message : "decoded"
  }

  test("says at which line and column JSON ends", () => {
    expect(reasonOf('{\n  "sources": [\n    {"id": "a",}\n  ]\n}')).toBe(
      'conf/feed-sources.json:3:16: not JSON: expected a key in double quotes, found "}"'
    )
    expect(reasonOf('{"sources": [')).toBe(
      'conf/feed-sources.json:1:14: not JSON: expected a value or "]", found the end of the text'
    )
    expect(reasonOf("")).toContain(":1:1: not JSON: expected a value, found the end of the text")
    expect(reasonOf('{"sources": []}\n// note')).toContain(':2:1: not JSON: expected nothing more, found "/"')
    expect(reasonOf("{'sources': []}")).toContain(":1:2: not JSON")
    expect(reasonOf('{"sources": [01]}')).toContain(":1:14: not JSON")
    expect(reasonOf('{"sources" []}')).toContain(':1:12: not JSON: expected ":", found "["')
    expect(reasonOf("[1,2}")).toContain(':1:5: not JSON: expected "," or the end of the list or object')
    expect(reasonOf('\uFEFF{"sources": []}')).toBe("decoded")
  })

  test("says what stands where the list should be", () => {
    expect(reasonOf("[]")).toContain('expected an object {"sources": [...]}, found a list')
    expect(reasonOf("{}")).toContain("sources: expected a list, found nothing")
    expect(reasonOf('{"sources": {}}')).toContain("sources: expected a list, found an object")
  })

  it.live("is read from disk, or says why not", () =>
    Effect.gen(function* () {
      const folder = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "patchmoi-sources-"))),
        (path) => Effect.promise(() => rm(path, { recursive: true }))
      )
      const file = join(folder, "feed-sources.json")
      const missing = yield* Effect.flip(readSourcesFile(file))
      expect(missing.message).toContain(`${file}: cannot be read`)
      yield* Effect.promise(() => writeFile(file, JSON.stringify({ sources: [plainSource] })))
      const { sources } = yield* readSourcesFile(file)
      expect(sources.length).toBe(1)
    })
  )
})
