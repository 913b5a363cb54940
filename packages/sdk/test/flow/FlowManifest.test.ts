/** What a manifest may say, and that everything wrong in it is told with field, expectation and finding. */
import { describe, expect, test } from "bun:test"
import { eventTypeLengthMax } from "@patchmoi/core/event/FlowEvent"
import {
  defaultRetryPolicy,
  RetryReason,
  RunnerName,
  StepPlan,
  stepOutputBytesDefault,
  stepOutputBytesMax,
  stepTimeoutMillisDefault,
  stepTimeoutMillisMax
} from "@patchmoi/core/flow/Flow"
import { schemaBytesMax } from "@patchmoi/core/flow/JsonSchema"
import * as Schema from "effect/Schema"
import { schemaFileBytesMax } from "../../src/flow/FlowFolder.ts"
import { readManifest } from "../../src/flow/FlowManifest.ts"
import { stepKeys } from "../../src/flow/FlowManifestKeys.ts"
import { manifestBounds, retryReason } from "../../src/flow/FlowManifestKinds.ts"
import { manifestText } from "./workspace.ts"
import { wrongFields } from "./wrongFields.ts"

const complete = `
name = "maintain"
version = 2.5
description = "Carries patches."

[config]
push = false
since = 2026-11-20T10:00:00Z
day = 2026-11-20
nested = { list = [1, { deep = "x" }] }

[guidance]
skills = ["git"]

[[steps]]
name = "rebuild"
runner = "bun"
script = "exec/rebuild.ts"
cwd = "../.."
timeout_ms = 86400000
max_output_bytes = 67108864
priority = -1000
concurrency = 2
concurrency_key = "/payload/repo~1name"
env = ["NPM_TOKEN", "_X9", "NPM_TOKEN"]

[steps.retry]
max_attempts = 5
backoff_ms = 0
on = ["failed", "timeout", "lost"]

[steps.trigger]
type = "upstream.release"
schema = "schemas/release.json"

[[steps]]
name = "by-hand"
runner = "code-mode"
script = "exec/hand.js"
`

describe("a good manifest", () => {
  test("has every field, and defaults for what it does not say", () => {
    const { manifest, issues, warnings, paths } = readManifest("flow.toml", complete)
    expect(issues).toEqual([])
    expect(warnings).toEqual([])
    expect(manifest).toEqual({
      name: "maintain",
      version: 2.5,
      description: "Carries patches.",
      config: {
        push: false,
        since: "2026-11-20T10:00:00.000Z",
        day: "2026-11-20",
        nested: { list: [1, { deep: "x" }] }
      },
      steps: [
        {
          name: "rebuild",
          runner: "bun",
          script: "exec/rebuild.ts",
          cwd: "../..",
          timeoutMillis: 86_400_000,
          outputBytesMax: 67_108_864,
          priority: -1_000,
          concurrency: 2,
          concurrencyKey: "/payload/repo~1name",
          env: ["NPM_TOKEN", "_X9"],
          retry: { maxAttempts: 5, backoffMillis: 0, on: ["failed", "timeout", "lost"] },
          trigger: { type: "upstream.release", schema: "schemas/release.json" }
        },
        {
          name: "by-hand",
          runner: "code-mode",
          script: "exec/hand.js",
          cwd: ".",
          timeoutMillis: stepTimeoutMillisDefault,
          outputBytesMax: stepOutputBytesDefault,
          priority: 0,
          env: [],
          retry: defaultRetryPolicy
        }
      ]
    })
    expect(paths.map((path) => [path.field, path.kind, path.value])).toEqual([
      ["steps[0].script", "script", "exec/rebuild.ts"],
      ["steps[0].cwd", "cwd", "../.."],
      ["steps[0].trigger.schema", "schema", "schemas/release.json"],
      ["steps[1].script", "script", "exec/hand.js"],
      ["steps[1].cwd", "cwd", "."]
    ])
  })

  test("fills in what a retry table leaves out", () => {
    const { manifest } = readManifest("flow.toml", manifestText("a", "", '[steps.retry]\non = ["failed"]'))
    expect(manifest?.steps[0]?.retry).toEqual({ ...defaultRetryPolicy, on: ["failed"] })
  })

  test("may use names that objects inherit", () => {
    const { manifest, warnings } = readManifest(
      "flow.toml",
      manifestText("constructor", "", '[config]\n__proto__ = { polluted = true }\ntoString = "x"')
    )
    expect(warnings).toEqual([])
    expect(Object.keys(manifest?.config ?? {})).toEqual(["__proto__", "toString"])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})

/** A manifest in which the lines stand in place of the good ones of the same key. */
const withLines = (at: string, field: string, toml: string): string => {
  const own = field.split(/[.[]/)
  const wrong = at === "top" ? own[0] : own[2]
  const lines = (good: Record<string, string>, here: boolean) =>
    [
      ...Object.entries(good).flatMap(([key, line]) =>
        here && key === wrong?.replace("]", "") ? [] : [line]
      ),
      here ? toml : ""
    ].join("\n")
  return [
    lines({ name: 'name = "a"', version: "version = 1" }, at === "top"),
    "[[steps]]",
    lines({ name: 'name = "s"', runner: 'runner = "bun"', script: 'script = "s.ts"' }, at === "step"),
    at === "trigger" ? `[steps.trigger]\n${toml}` : "",
    at === "retry" ? `[steps.retry]\n${toml}` : ""
  ].join("\n")
}

describe("a wrong field", () => {
  test.each(wrongFields)("$field with $toml", ({ field, at, toml, expected, found }) => {
    const { manifest, issues } = readManifest("a/flow.toml", withLines(at, field, toml))
    expect(manifest).toBeUndefined()
    expect(issues).toHaveLength(1)
    expect(issues[0]).toMatchObject({ file: "a/flow.toml", field, found })
    expect(issues[0]?.expected).toContain(expected)
    expect(issues[0]?.message).toBe(`${field} must be ${issues[0]?.expected}; found ${found}`)
  })

  test.each([
    ["no steps", "", "nothing"],
    ["an empty list", "steps = []", "an empty list"],
    ["one table for a list of tables", '[steps]\nname = "s"', "a table"],
    ["too many", "[[steps]]\n".repeat(101), "a list"]
  ])("steps: %s", (_, toml, found) => {
    const { issues } = readManifest("flow.toml", `name = "a"\nversion = 1\n${toml}`)
    expect(issues).toMatchObject([
      { field: "steps", expected: "a list of 1 to 100 tables, written [[steps]]", found }
    ])
  })

  test("a step that is no table", () => {
    const { issues } = readManifest("flow.toml", 'name = "a"\nversion = 1\nsteps = [7]')
    expect(issues).toMatchObject([{ field: "steps[0]", expected: "a table", found: "7" }])
  })

  test("two steps of one name, also when something else is wrong with one of them", () => {
    const step = '[[steps]]\nname = "s"\nrunner = "bun"\n'
    const { issues } = readManifest("flow.toml", `name = "a"\nversion = 1\n${step}${step}script = "s"`)
    expect(issues.map((issue) => issue.message)).toEqual([
      "steps[0].script must be a text that is not blank, of at most 4096 characters; found nothing",
      'steps[1].name must be unlike the name of steps[0]; found "s"'
    ])
  })

  test("does not hide another: all of them are listed", () => {
    const { issues } = readManifest(
      "flow.toml",
      'version = "x"\n[[steps]]\nrunner = "bash"\ntimeout_ms = -1\nenv = ["a b", "c"]\n[steps.trigger]\n[steps.retry]\nbackoff_ms = 0.5'
    )
    expect(issues.map((issue) => issue.field).sort()).toEqual([
      "name",
      "steps[0].env[0]",
      "steps[0].name",
      "steps[0].retry.backoff_ms",
      "steps[0].runner",
      "steps[0].script",
      "steps[0].timeout_ms",
      "steps[0].trigger.type",
      "version"
    ])
  })
})

describe("what is no TOML", () => {
  test("is told with its line, and no text of the file", () => {
    const { issues, manifest } = readManifest("flow.toml", 'name = "a"\nversion = 1\ntoken = "s3cret\n')
    expect(manifest).toBeUndefined()
    expect(issues).toHaveLength(1)
    expect(issues[0]).toMatchObject({ file: "flow.toml", line: 3 })
    expect(issues[0]?.message).toStartWith("is not TOML: ")
    expect(JSON.stringify(issues)).not.toContain("s3cret")
  })

  test.each([
    ["a key twice", 'name = "a"\nname = "b"', 2],
    ["an integer that loses digits", "version = 9007199254740993", 1]
  ])("%s", (_, toml, line) => {
    expect(readManifest("flow.toml", toml).issues).toMatchObject([{ line }])
  })
})

describe("an unknown key", () => {
  test("is a warning at each level, with the known key that is nearest", () => {
    const { manifest, warnings } = readManifest(
      "flow.toml",
      manifestText(
        "a",
        'timeoutMs = 5\ntimeout = 5\nfrobnicate = 1\n"odd key" = 1',
        '[steps.retry]\nmax_attempt = 2\n[steps.trigger]\ntype = "x"\nshema = "x"\n[guidance]\nskils = []\nskills = ["a", 1]\n[confg]\n'
      )
    )
    expect(manifest).toBeDefined()
    expect(warnings).toEqual([
      "the key confg is not known and is ignored; did you mean config?",
      "the key guidance.skils is not known and is ignored; did you mean skills?",
      "guidance.skills[1] is no text and is left out",
      "the key steps[0].timeoutMs is not known and is ignored; did you mean timeout_ms?",
      "the key steps[0].timeout is not known and is ignored; did you mean timeout_ms?",
      "the key steps[0].frobnicate is not known and is ignored",
      'the key steps[0]."odd key" is not known and is ignored',
      "the key steps[0].retry.max_attempt is not known and is ignored; did you mean max_attempts?",
      "the key steps[0].trigger.shema is not known and is ignored; did you mean schema?"
    ])
  })
})

describe("the bounds of a manifest", () => {
  test("are those of the core", () => {
    const { maxAttempts, backoffMillis } = defaultRetryPolicy
    expect(manifestBounds).toMatchObject({
      timeoutMillisDefault: stepTimeoutMillisDefault,
      timeoutMillisMax: stepTimeoutMillisMax,
      outputBytesDefault: stepOutputBytesDefault,
      outputBytesMax: stepOutputBytesMax,
      attemptsDefault: maxAttempts,
      backoffMillisDefault: backoffMillis,
      eventTypeLengthMax
    })
    expect(schemaFileBytesMax).toBe(schemaBytesMax)
    for (const runner of RunnerName.literals) expect(stepKeys.runner.read(runner)).toBe(runner)
    for (const reason of RetryReason.literals) expect(retryReason.read(reason)).toBe(reason)
  })

  test("are the outermost that the core's plan takes", () => {
    const plan = (steps: object) => ({
      runner: "bun",
      script: "s",
      cwd: ".",
      timeoutMillis: 1,
      outputBytesMax: 1,
      retry: defaultRetryPolicy,
      priority: 0,
      env: [],
      ...steps
    })
    const fits = (steps: object) => Schema.is(StepPlan)(plan(steps))
    const { priorityMin, priorityMax, concurrencyMax, attemptsMax, backoffMillisMax } = manifestBounds
    const retry = (maxAttempts: number, backoffMillis: number) => ({
      retry: { maxAttempts, backoffMillis, on: [] }
    })
    for (const good of [
      { priority: priorityMin },
      { priority: priorityMax },
      { concurrency: concurrencyMax },
      retry(attemptsMax, backoffMillisMax)
    ]) {
      expect([good, fits(good)]).toEqual([good, true])
    }
    for (const bad of [
      { priority: priorityMin - 1 },
      { priority: priorityMax + 1 },
      { concurrency: concurrencyMax + 1 },
      retry(attemptsMax + 1, 0),
      retry(1, backoffMillisMax + 1)
    ]) {
      expect([bad, fits(bad)]).toEqual([bad, false])
    }
  })
})
