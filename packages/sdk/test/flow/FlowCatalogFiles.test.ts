/** The catalog that the engine sees: checks of payloads, compiled when they are first asked, anew when a schema changes. */
import { describe, expect, test } from "bun:test"
import type { CatalogSnapshot, PayloadIssue } from "@patchmoi/core/flow/Flow"
import { FlowCatalog } from "@patchmoi/core/flow/FlowCatalog"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/TestClock"
import * as TestContext from "effect/TestContext"
import { findBrokenSchemas, layer, make } from "../../src/flow/FlowCatalogFiles.ts"
import { makeWorkspace, manifestText } from "./workspace.ts"

const trigger = '[steps.trigger]\ntype = "a.b"\nschema = "s.json"'
const files = (name: string, schema: string) => ({
  [`flows/${name}/flow.toml`]: manifestText(name, "", trigger),
  [`flows/${name}/go.ts`]: "",
  [`flows/${name}/s.json`]: schema
})

const issuesOf = (snapshot: CatalogSnapshot, payload: unknown): ReadonlyArray<PayloadIssue> | undefined =>
  snapshot.flows[0]?.steps[0]?.trigger?.check?.(payload)

describe("the catalog of files", () => {
  test("gives flows whose triggers check payloads", async () => {
    await using workspace = await makeWorkspace(files("a", '{"required":["tag"]}'))
    const snapshot = await Effect.runPromise(
      Effect.flatMap(FlowCatalog, (catalog) => catalog.snapshot).pipe(
        Effect.provide(layer({ workspaceRoot: workspace.root }))
      )
    )
    expect(issuesOf(snapshot, { tag: "v1" })).toEqual([])
    expect(issuesOf(snapshot, {})).toEqual([
      { pointer: "", keyword: "required", message: 'must have the property "tag"' }
    ])
  })

  test("compiles anew when the schema changes; a flow that was given out keeps its check", async () => {
    await using workspace = await makeWorkspace(files("a", '{"type":"string"}'))
    const { snapshot } = await Effect.runPromise(make({ workspaceRoot: workspace.root }))
    const first = await Effect.runPromise(snapshot)
    expect(await Effect.runPromise(snapshot)).toBe(first)
    await workspace.write({ "flows/a/s.json": '{"type":"number"}' })
    const second = await Effect.runPromise(snapshot)
    expect([issuesOf(first, "x"), issuesOf(second, 1)]).toEqual([[], []])
    expect([issuesOf(first, 1)?.length, issuesOf(second, "x")?.length]).toEqual([1, 1])
  })

  test("a look holds for as long as it is told to, by the clock; then an edit counts", async () => {
    await using workspace = await makeWorkspace(files("a", "{}"))
    await Effect.runPromise(
      Effect.gen(function* () {
        const { snapshot } = yield* make({ workspaceRoot: workspace.root, lookMillis: 100 })
        const first = yield* snapshot
        yield* Effect.promise(() => workspace.write(files("b", "{}")))
        yield* TestClock.adjust("99 millis")
        expect(yield* snapshot).toBe(first)
        yield* TestClock.adjust("1 millis")
        expect((yield* snapshot).flows.map(({ name }) => name)).toEqual(["a", "b"])
      }).pipe(Effect.provide(TestContext.TestContext))
    )
  })

  test("compiles a schema once, for all steps that name the file and all snapshots", async () => {
    await using workspace = await makeWorkspace({
      ...files("a", '{"type":"string"}'),
      "flows/b/flow.toml": manifestText("b", "", '[steps.trigger]\ntype = "c"\nschema = "../a/s.json"'),
      "flows/b/go.ts": ""
    })
    const { snapshot } = await Effect.runPromise(make({ workspaceRoot: workspace.root }))
    const first = await Effect.runPromise(snapshot)
    await workspace.write({ "flows/a/flow.toml": manifestText("a", "priority = 1", trigger) })
    const second = await Effect.runPromise(snapshot)
    const checks = [...first.flows, ...second.flows].map((flow) => flow.steps[0]?.trigger?.check)
    expect(checks[0]).toBeFunction()
    expect(new Set(checks).size).toBe(1)
  })

  test("a schema that does not compile fits nothing, says why, and stops no other flow", async () => {
    await using workspace = await makeWorkspace({
      ...files("a", '{"properties":{"x":{"$ref":"other.json"}}}'),
      ...files("b", "true")
    })
    const { snapshot } = await Effect.runPromise(make({ workspaceRoot: workspace.root }))
    const found = await Effect.runPromise(snapshot)
    const [issue, ...others] = issuesOf(found, {}) ?? []
    expect(others).toEqual([])
    expect(issue?.keyword).toBe("schema")
    expect(issue?.message).toContain(`${workspace.root}/flows/a/s.json`)
    expect(issue?.message).toContain("/properties/x/$ref")
    expect(found.flows[1]?.steps[0]?.trigger?.check?.({})).toEqual([])
    expect(await Effect.runPromise(findBrokenSchemas(found.flows))).toEqual([
      {
        file: `${workspace.root}/flows/a/s.json`,
        field: "/properties/x/$ref",
        message: 'refers to "other.json", which is not in this file; schemas are never fetched'
      }
    ])
  })

  test("does not load the validator for flows without schemas", async () => {
    await using workspace = await makeWorkspace({
      "flows/a/flow.toml": manifestText("a", "", '[steps.trigger]\ntype = "t"'),
      "flows/a/go.ts": ""
    })
    const script = `
      const { FlowFolders } = await import(${JSON.stringify(import.meta.resolve("../../src/flow/FlowFolders.ts"))})
      const plain = new FlowFolders({ workspaceRoot: ${JSON.stringify(workspace.root)} }).read()
      const loaded = (part) => Object.keys(require.cache).some((path) => path.includes(part))
      const early = [plain.flows.length, loaded("/effect/"), loaded("/ajv/")]
      const { make } = await import(${JSON.stringify(import.meta.resolve("../../src/flow/FlowCatalogFiles.ts"))})
      const Effect = await import("effect/Effect")
      const catalog = await Effect.runPromise(make({ workspaceRoot: ${JSON.stringify(workspace.root)} }))
      const { flows } = await Effect.runPromise(catalog.snapshot)
      const before = [flows.length, loaded("/effect/"), loaded("/ajv/")]
      await Bun.write(${JSON.stringify(`${workspace.root}/flows/b/flow.toml`)}, ${JSON.stringify(manifestText("b", "", trigger))})
      await Bun.write(${JSON.stringify(`${workspace.root}/flows/b/go.ts`)}, "")
      await Bun.write(${JSON.stringify(`${workspace.root}/flows/b/s.json`)}, "{}")
      const later = await Effect.runPromise(catalog.snapshot)
      console.log(JSON.stringify([...early, ...before, later.flows.length, loaded("/ajv/")]))
    `
    const child = Bun.spawn([process.execPath, "-e", script], {
      cwd: import.meta.dir,
      stdout: "pipe",
      stderr: "inherit"
    })
    expect(JSON.parse(await new Response(child.stdout).text())).toEqual([
      1,
      false,
      false,
      1,
      true,
      false,
      2,
      true
    ])
  })
})
