import { describe, expect, test } from "bun:test"
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Either from "effect/Either"
import { makeTempDirectory } from "../../src/testing/TempRepo.ts"
import { formatIssue } from "../../src/topology/ConfigIssue.ts"
import { denyAll, type OperatorPolicy, tighten } from "../../src/topology/OperatorPolicy.ts"
import { configBytesMax, defaultConfig, loadConfig, parseConfig } from "../../src/topology/PatchmoiConfig.ts"
import { withGit } from "../support.ts"

const parsed = (text: string) => Either.getOrThrow(parseConfig({ file: "f.toml", text }))
const issuesOf = (text: string) =>
  Either.getOrThrow(Either.flip(parseConfig({ file: "f.toml", text }))).issues

const allowAll: OperatorPolicy = {
  fetch: true,
  dispatch: true,
  replay: true,
  rebuild: true,
  capture: true,
  push: true,
  moveTarget: true
}

describe(".patchmoi.toml", () => {
  test("an empty file means the defaults", () => {
    expect(parsed("")).toEqual({ ...defaultConfig, file: "f.toml" })
  })

  test("reads every section", () => {
    const config = parsed(`
      [git]
      upstreamRemote = "up"
      patchPrefix = "carry"
      [fetch]
      fetchTags = false
      [checks]
      commands = ["bun test", "make lint"]
      timeout_ms = 1000
    `)
    expect(config).toMatchObject({
      upstreamRemote: "up",
      upstreamBranch: undefined,
      patchPrefix: "carry/",
      fetchTags: false,
      checks: { commands: ["bun test", "make lint"], timeoutMillis: 1000 }
    })
  })

  test("names file, line, field, expected and found of every wrong value at once", () => {
    const issues = issuesOf(
      '[git]\nupstreamRemote = "--upload-pack=x"\ntargetBranch = "a..b"\n\n[checks]\ntimeout_ms = 0\ncommands = "x"\n'
    )
    expect(issues.map(formatIssue)).toEqual([
      'f.toml:2: git.upstreamRemote: expected the name of a remote such as "upstream", found "--upload-pack=x"',
      'f.toml:3: git.targetBranch: expected a branch name such as "main", found "a..b"',
      'f.toml:7: checks.commands: expected an array of at most 50 commands, found "x"',
      "f.toml:6: checks.timeout_ms: expected whole milliseconds from 1 to 86400000, found 0"
    ])
    expect(issuesOf("git = 3\n").map(formatIssue)).toEqual(["f.toml:1: git: expected a table [git], found 3"])
  })

  test("gives the line of a syntax error and none of the file's content", () => {
    const [issue] = issuesOf('[git]\n\nforkRemote = "unclosed\ntoken = "secret"\n')
    expect(issue).toMatchObject({ line: 3, field: "", expected: "valid TOML" })
    expect(issue?.found).not.toContain("unclosed")
  })

  test("warns of unknown keys and suggests the nearest known one", () => {
    const { warnings } = parsed(
      "[git]\nupstream_remote = 'x'\n[saftey]\nallowRebuild = true\n[publish]\nzzz = 1\n"
    )
    expect(warnings.map(formatIssue)).toEqual([
      'f.toml:2: git.upstream_remote: expected "upstreamRemote", found an unknown key',
      'f.toml:3: saftey: expected "safety", found an unknown key',
      "f.toml:6: publish.zzz: expected one of push, move_target, found an unknown key"
    ])
  })

  test("can forbid what the operator allows, and can allow nothing", () => {
    const granting = parsed(
      "[fetch]\nallowFetch=true\n[safety]\nallowRebuild=true\nallowCapture=true\nallowDispatch=true\nallowReplay=true\n[publish]\npush=true\nmove_target=true\n"
    )
    expect(tighten(denyAll, granting.restrictions)).toEqual(denyAll)
    expect(tighten(allowAll, granting.restrictions)).toEqual(allowAll)
    const forbidding = parsed("[safety]\nallowRebuild=false\n[publish]\npush=false\n")
    expect(tighten(allowAll, forbidding.restrictions)).toEqual({ ...allowAll, rebuild: false, push: false })
  })

  test(
    "is looked for upwards, at most to the top, and refused when it is too long",
    withGit(() =>
      Effect.gen(function* () {
        const top = yield* makeTempDirectory
        const directory = join(top, "a/b")
        yield* Effect.promise(() => mkdir(directory, { recursive: true }))
        expect(yield* loadConfig({ directory, top })).toEqual(defaultConfig)
        yield* Effect.promise(() => Bun.write(join(top, ".patchmoi.toml"), '[git]\nforkRemote = "mine"\n'))
        expect((yield* loadConfig({ directory, top })).forkRemote).toBe("mine")
        expect((yield* loadConfig({ directory, top: directory })).forkRemote).toBeUndefined()
        yield* Effect.promise(() => Bun.write(join(top, ".patchmoi.toml"), "#".repeat(configBytesMax + 1)))
        const error = yield* loadConfig({ directory, top }).pipe(Effect.flip)
        expect(error._tag).toBe("PatchmoiConfigInvalid")
      })
    )
  )
})
